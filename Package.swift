// swift-tools-version: 6.2
import PackageDescription

let kernelFlags: [CSetting] = [.unsafeFlags(["-O3", "-fno-math-errno", "-fblocks"])]

let package = Package(
    name: "maple",
    products: [
        .executable(name: "maple", targets: ["maple"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
    ],
    targets: [
        // System libraries and C
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .target(name: "CKernels", cSettings: kernelFlags),
        .target(name: "CImageCodecs", linkerSettings: [.linkedLibrary("jpeg"), .linkedLibrary("png")]),

        // The house, from the values outwards
        .target(name: "RunModel"),
        .target(name: "Engine", dependencies: ["COpenBLAS", "CKernels"]),
        .target(name: "Formats"),
        .target(name: "Datasets", dependencies: ["RunModel", "CImageCodecs"]),
        .target(name: "SessionFile", dependencies: ["RunModel", "TOMLKit"]),
        .target(name: "RunStore", dependencies: ["RunModel"]),
        .target(name: "Training", dependencies: ["RunModel", "Engine", "Formats", "Datasets"]),
        .executableTarget(
            name: "maple",
            dependencies: [
                "RunModel", "Engine", "Formats", "Datasets", "SessionFile", "RunStore", "Training",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        // Tests
        .target(name: "TestSupport", path: "Tests/TestSupport"),
        .target(name: "AllocationCount", path: "Tests/AllocationCount"),
        .testTarget(name: "RunModelTests", dependencies: ["RunModel", "TestSupport"]),
        .testTarget(name: "EngineTests", dependencies: ["Engine", "Formats", "TestSupport", "AllocationCount"]),
        .testTarget(name: "FormatsTests", dependencies: ["Formats", "TestSupport"]),
        .testTarget(name: "DatasetsTests", dependencies: ["Datasets", "Formats", "TestSupport"]),
        .testTarget(name: "SessionFileTests", dependencies: ["SessionFile", "TestSupport"]),
        .testTarget(name: "RunStoreTests", dependencies: ["RunStore", "TestSupport"]),
        .testTarget(name: "TrainingTests", dependencies: ["Training", "TestSupport"]),
        .testTarget(name: "CommandTests", dependencies: ["TestSupport", "maple"]),
    ],
    swiftLanguageModes: [.v6]
)
