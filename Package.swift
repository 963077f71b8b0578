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
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        // System libraries and C
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .target(name: "CKernels", cSettings: kernelFlags),
        .systemLibrary(name: "CNcurses", providers: [.apt(["libncurses-dev"])]),
        .target(name: "CTerminal", dependencies: ["CNcurses"], linkerSettings: [.linkedLibrary("ncursesw"), .linkedLibrary("tinfo")]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CImageCodecs", linkerSettings: [.linkedLibrary("jpeg"), .linkedLibrary("png")]),

        // The house, from the values outwards
        .target(name: "RunModel"),
        .target(name: "Files"),
        .target(name: "Engine", dependencies: ["COpenBLAS", "CKernels"]),
        .target(name: "Formats", dependencies: ["Files", "CZlib"]),
        .target(name: "Datasets", dependencies: ["RunModel", "CImageCodecs"]),
        .target(name: "Analysis", dependencies: ["RunModel"]),
        .target(name: "TOMLText", dependencies: ["TOMLKit"]),
        .target(name: "SessionFile", dependencies: ["RunModel", "TOMLKit", "TOMLText"]),
        .target(name: "RunStore", dependencies: ["RunModel", "Files", .product(name: "GRDB", package: "GRDB.swift")]),
        .target(name: "Training", dependencies: ["RunModel", "Engine", "Formats", "Datasets"]),
        .target(name: "Screen", dependencies: ["RunModel"]),
        .target(name: "ThemeFile", dependencies: ["Screen", "TOMLKit", "TOMLText"]),
        .target(name: "TerminalUI", dependencies: ["Screen", "CTerminal"]),
        .executableTarget(
            name: "maple",
            dependencies: [
                "RunModel", "Engine", "Formats", "Datasets", "Analysis", "SessionFile", "RunStore", "Training",
                "Screen", "ThemeFile", "TerminalUI",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        // Tests
        .target(name: "TestSupport", dependencies: ["Datasets"], path: "Tests/TestSupport"),
        .target(name: "CAllocationCount", path: "Tests/CAllocationCount"),
        .testTarget(name: "RunModelTests", dependencies: ["RunModel", "TestSupport"]),
        .testTarget(name: "EngineTests", dependencies: ["Engine", "CKernels", "CAllocationCount", "TestSupport"]),
        .testTarget(name: "FormatsTests", dependencies: ["Files", "Formats", "TestSupport"]),
        .testTarget(name: "DatasetsTests", dependencies: ["Datasets", "Formats", "TestSupport"]),
        .testTarget(name: "AnalysisTests", dependencies: ["Analysis", "TestSupport"]),
        .testTarget(
            name: "ProtocolTests",
            dependencies: ["maple", "Analysis", "Datasets", "Engine", "RunStore", "SessionFile", "Training", "TestSupport"]),
        .testTarget(name: "SessionFileTests", dependencies: ["SessionFile", "TestSupport"]),
        .testTarget(name: "RunStoreTests", dependencies: ["Files", "RunStore", "TestSupport"]),
        .testTarget(name: "TrainingTests", dependencies: ["Training", "TestSupport"]),
        .testTarget(name: "ScreenTests", dependencies: ["Screen", "ThemeFile", "TestSupport"], exclude: ["Snapshots"]),
        .testTarget(name: "TerminalUITests", dependencies: ["TerminalUI", "Screen", "TestSupport", "screen-trial"]),
        .executableTarget(name: "screen-trial", dependencies: ["TerminalUI", "ThemeFile", "Screen"], path: "Tests/ScreenTrial"),
        .target(name: "CFuzzGuard", path: "Tests/CFuzzGuard"),
        .executableTarget(
            name: "fuzz-trial",
            dependencies: [
                "Formats", "Datasets", "SessionFile", "RunStore", "ThemeFile", "CAllocationCount", "CFuzzGuard", "TestSupport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], path: "Tests/FuzzTrial"),
        .testTarget(name: "FuzzTests", dependencies: ["TestSupport", "fuzz-trial"]),
        .testTarget(
            name: "LibraryTests",
            dependencies: ["maple", "Screen", "TerminalUI", "ThemeFile", "RunStore", "SessionFile", "TestSupport"], exclude: ["Snapshots"]),
        .testTarget(name: "CommandTests", dependencies: ["Formats", "RunStore", "TestSupport", "maple"]),
    ],
    swiftLanguageModes: [.v6]
)
