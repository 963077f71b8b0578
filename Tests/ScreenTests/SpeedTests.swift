import RunModel
@testable import Screen
import Testing

/// Prints times; none is asserted, as other programs may be at work. The bars: a frame under 16 ms at the 99th percentile, a
/// thousand runs listed in under 300 ms.
@Suite struct SpeedTests {
    @Test func frameTimes() {
        let clock = ContinuousClock()
        for screen in Sample.screens {
            var state = Sample.state(200, 60)
            screen.go(&state)
            var times: [Duration] = []
            for _ in 0..<100 { times.append(clock.measure { _ = state.render() }) }
            times.sort()
            print("frame at 200x60, \(screen.name): median \(times[50]), 99th percentile \(times[98])")
        }
    }

    @Test func aThousandRunsList() {
        let clock = ContinuousClock()
        var state = Sample.state(200, 60)
        let rows = (0..<1000).map { RunRow(id: "/runs/\($0)", spec: Sample.spec("run \($0)", seed: $0), status: .finished, step: $0, totalSteps: 2000, base: 0.7, new: 0.6) }
        let time = clock.measure {
            _ = state.reduce(.answer(.runs(rows)))
            _ = state.reduce(.key(.character("3")))
            _ = state.render()
        }
        print("1,000 runs listed in \(time)")
    }

    @Test func stepEventsAreCheap() {
        var state = Sample.state(200, 60)
        _ = state.reduce(.key(.character("2")))
        let clock = ContinuousClock()
        let time = clock.measure {
            for step in 1288..<11_288 {
                _ = state.reduce(.run("/runs/maple-seed1", .step(.init(step: step, epoch: 3, loss: 0.4, accuracy: 0.5, learningRate: 0.001, time: Double(step), imagesPerSecond: 60))))
            }
        }
        print("10,000 steps reduced in \(time)")
    }
}
