// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [.strictMemorySafety()]

let package = Package(
  name: "Core",
  products: [.library(name: "SyscallCatalogue", targets: ["SyscallCatalogue"])],
  targets: [
    .target(name: "SyscallCatalogue", swiftSettings: settings),
    .testTarget(
      name: "SyscallCatalogueTests", dependencies: ["SyscallCatalogue"], swiftSettings: settings),
  ]
)
