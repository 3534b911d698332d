// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [.strictMemorySafety()]
let shimABI: Target.Dependency = .product(name: "ShimABI", package: "Core")
let catalogue: Target.Dependency = .product(name: "SyscallCatalogue", package: "Core")

let ledger: Target.Dependency = .product(name: "GranuleLedger", package: "Core")

let package = Package(
  name: "rcontainer",
  products: [
    .executable(name: "rcontainer", targets: ["rcontainer"]),
    .executable(name: "conshim-run", targets: ["conshim-run"]),
    .library(name: "ShimPolicy", targets: ["ShimPolicy", "OCISpec"]),
  ],
  dependencies: [.package(path: "Core")],
  targets: [
    .target(name: "CLinux"),
    .target(name: "LinuxSystem", dependencies: ["CLinux"], swiftSettings: settings),
    .target(name: "OCISpec", swiftSettings: settings),
    .target(name: "SeccompFilter", dependencies: [catalogue], swiftSettings: settings),
    .target(
      name: "ShimPolicy", dependencies: ["OCISpec", "SeccompFilter", catalogue], swiftSettings: settings),
    .target(
      name: "Supervisor",
      dependencies: ["CLinux", "LinuxSystem", "OCISpec", "SeccompFilter", "ShimPolicy", "OwnFiles", ledger, catalogue],
      swiftSettings: settings),
    .target(name: "LayerChanges", dependencies: ["CLinux", "LinuxSystem", "OCISpec"], swiftSettings: settings),
    .target(name: "Egress", dependencies: ["CLinux", "LinuxSystem"], swiftSettings: settings),
    .target(
      name: "Cgroups", dependencies: ["CLinux", "LinuxSystem", "OCISpec"], swiftSettings: settings,
      linkerSettings: [.linkedLibrary("m")]),  // Double.rounded() is floor(3) and its like
    .target(
      name: "OwnFiles", dependencies: ["CLinux", "LinuxSystem", "Cgroups"], swiftSettings: settings),
    .target(name: "CommandLineInterface", swiftSettings: settings),
    .target(name: "CConShim"),
    .target(name: "ConShimProxy", dependencies: ["CConShim", shimABI], swiftSettings: settings),
    .executableTarget(
      name: "conshim-run", dependencies: ["CConShim", "ConShimProxy"], swiftSettings: settings),
    .target(
      name: "ContainerRuntime",
      dependencies: [
        "CLinux", "LinuxSystem", "OCISpec", "SeccompFilter", "ShimPolicy", "Supervisor", "Egress", "Cgroups",
        "OwnFiles", "ConShimProxy", "LayerChanges", catalogue,
      ],
      swiftSettings: settings),
    .executableTarget(
      name: "rcontainer",
      dependencies: [
        "CLinux", "LinuxSystem", "OCISpec", "ShimPolicy", "Egress", "LayerChanges", "ContainerRuntime",
        "CommandLineInterface", catalogue,
      ],
      swiftSettings: settings),
    .testTarget(
      name: "OCISpecTests", dependencies: ["OCISpec"], resources: [.copy("Fixtures")]),
    .testTarget(name: "SeccompFilterTests", dependencies: ["SeccompFilter", catalogue]),
    .testTarget(
      name: "ShimPolicyTests", dependencies: ["ShimPolicy", "SeccompFilter", "OCISpec", catalogue]),
    .testTarget(name: "LayerChangesTests", dependencies: ["LayerChanges", "LinuxSystem"]),
    .testTarget(name: "EgressTests", dependencies: ["Egress", "LinuxSystem"]),
    .testTarget(name: "OwnFilesTests", dependencies: ["OwnFiles", "Cgroups"]),
    .testTarget(name: "ConShimProxyTests", dependencies: ["ConShimProxy", shimABI, catalogue]),
    .testTarget(name: "CgroupsTests", dependencies: ["Cgroups", "OCISpec"]),
    .testTarget(
      name: "CommandLineInterfaceTests", dependencies: ["CommandLineInterface"],
      resources: [.copy("Fixtures")]),
  ]
)
