// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [.strictMemorySafety()]

let package = Package(
  name: "machine",
  products: [.executable(name: "rcontainer-machine", targets: ["rcontainer-machine"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2")
  ],
  targets: [
    .target(name: "CMachine"),
    .target(name: "MachineKit", dependencies: ["CMachine"], swiftSettings: settings),
    .executableTarget(
      name: "rcontainer-machine",
      dependencies: ["MachineKit", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      swiftSettings: settings),
    .testTarget(name: "MachineKitTests", dependencies: ["MachineKit"]),
  ]
)
