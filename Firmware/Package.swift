// swift-tools-version: 6.2
import PackageDescription

// Bare metal: scripts/build-firmware builds each product with a toolset and linker script of its own.

let settings: [SwiftSetting] = [.strictMemorySafety()]

let package = Package(
  name: "Firmware",
  products: [
    .executable(name: "Monitor", targets: ["Monitor"]),
    .executable(name: "MiniOS", targets: ["MiniOS"]),
    .executable(name: "SelfTest", targets: ["SelfTest"]),
  ],
  dependencies: [.package(path: "../Core")],
  targets: [
    .target(name: "CArch"),
    .executableTarget(
      name: "Monitor",
      dependencies: [
        "CArch", .product(name: "ShimABI", package: "Core"), .product(name: "GranuleLedger", package: "Core"),
      ],
      // The compiler refuses what would need a heap.
      swiftSettings: settings + [.unsafeFlags(["-no-allocations"])]),
    .executableTarget(
      name: "MiniOS",
      dependencies: [
        "CArch", .product(name: "ShimABI", package: "Core"), .product(name: "MiniOSKernel", package: "Core"),
        .product(name: "GranuleLedger", package: "Core"),
      ],
      swiftSettings: settings + [.unsafeFlags(["-no-allocations"])]),
    .target(name: "CGuest", path: "Guests/CGuest"),
    .executableTarget(
      name: "SelfTest", dependencies: ["CArch", "CGuest", .product(name: "ShimABI", package: "Core")],
      path: "Guests/SelfTest",
      swiftSettings: settings),
  ]
)
