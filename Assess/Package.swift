// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [.strictMemorySafety()]

// The assessment drives built programs, and imports none of the runtime's code.
let package = Package(
  name: "assess",
  products: [.executable(name: "rcontainer-assess", targets: ["rcontainer-assess"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2"),
    .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", exact: "2.1.1"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", exact: "0.2.0"),
  ],
  targets: [
    .target(
      name: "AssessKit",
      dependencies: [
        .product(name: "Subprocess", package: "swift-subprocess"),
        .product(name: "SystemPackage", package: "swift-system"),
        .product(name: "Mustache", package: "swift-mustache"),
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ],
      resources: [.embedInCode("Report/Templates"), .embedInCode("Subjects/docker.json")],
      swiftSettings: settings),
    .executableTarget(
      name: "rcontainer-assess",
      dependencies: ["AssessKit", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      swiftSettings: settings),
    // A report for tests, as a library for Swift's and as a program for Python's.
    .target(name: "AssessSample", dependencies: ["AssessKit"], path: "Tests/AssessSample", swiftSettings: settings),
    .executableTarget(
      name: "assess-sample", dependencies: ["AssessKit", "AssessSample"], path: "Tests/assess-sample",
      swiftSettings: settings),
    .testTarget(name: "AssessKitTests", dependencies: ["AssessKit", "AssessSample"]),
  ]
)
