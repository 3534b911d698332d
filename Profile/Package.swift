// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [.strictMemorySafety()]

let package = Package(
  name: "profile",
  products: [.executable(name: "rcontainer-profile", targets: ["rcontainer-profile"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(path: "../Core"),
  ],
  targets: [
    .target(name: "CProfile"),
    .target(
      name: "ProfileKit", dependencies: ["CProfile", .product(name: "SyscallCatalogue", package: "Core")],
      swiftSettings: settings),
    .executableTarget(
      name: "rcontainer-profile",
      dependencies: ["ProfileKit", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      swiftSettings: settings),
    .testTarget(name: "ProfileKitTests", dependencies: ["ProfileKit"]),
  ]
)
