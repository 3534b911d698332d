// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [.strictMemorySafety()]

let package = Package(
  name: "profile",
  products: [.executable(name: "rcontainer-profile", targets: ["rcontainer-profile"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(path: "../Core"),
    .package(name: "rcontainer", path: ".."),
  ],
  targets: [
    .target(name: "CProfile"),
    .target(
      name: "ProfileKit",
      dependencies: [
        "CProfile", .product(name: "SyscallCatalogue", package: "Core"),
        .product(name: "ShimPolicy", package: "rcontainer"),
      ],
      swiftSettings: settings),
    .executableTarget(
      name: "rcontainer-profile",
      dependencies: [
        "ProfileKit", .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "ShimPolicy", package: "rcontainer"),
      ],
      swiftSettings: settings),
    .testTarget(
      name: "ProfileKitTests", dependencies: ["ProfileKit", .product(name: "SyscallCatalogue", package: "Core")]),
  ]
)
