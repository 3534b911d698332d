// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [.strictMemorySafety()]

let package = Package(
  name: "Core",
  products: [
    .library(name: "SyscallCatalogue", targets: ["SyscallCatalogue"]),
    .library(name: "ShimABI", targets: ["ShimABI"]),
    .library(name: "GranuleLedger", targets: ["GranuleLedger"]),
    .library(name: "MiniOSKernel", targets: ["MiniOSKernel"]),
  ],
  targets: [
    .target(name: "ShimABI", swiftSettings: settings),
    .target(name: "GranuleLedger", dependencies: ["ShimABI"], swiftSettings: settings),
    .testTarget(name: "GranuleLedgerTests", dependencies: ["GranuleLedger", "ShimABI"], swiftSettings: settings),
    .target(name: "MiniOSKernel", dependencies: ["ShimABI"], swiftSettings: settings),
    .testTarget(
      name: "MiniOSKernelTests", dependencies: ["GranuleLedger", "MiniOSKernel", "ShimABI", "SyscallCatalogue"],
      swiftSettings: settings),
    .target(name: "SyscallCatalogue", swiftSettings: settings),
    .testTarget(
      name: "SyscallCatalogueTests", dependencies: ["SyscallCatalogue"], swiftSettings: settings),
  ]
)
