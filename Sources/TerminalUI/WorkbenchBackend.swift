import Dispatch
import RunModel
import Screen
import Synchronization

/// What the workbench needs from the rest of the program: files, runs and training, in values.
///
/// Each method is called on a background queue, one at a time, and may take its time; a thrown error becomes a line on the
/// screen through its description. `send`, `start` with `resume`, and `describe` are called on queues of their own, so that a
/// pause never waits behind a long reading; so is `features`.
/// Events of runs go to the mailbox that `attach` hands over, from whatever thread has them.
public protocol WorkbenchBackend: AnyObject, Sendable {
    /// Keeps the mailbox and posts `.run(id, event)` for this process's runs, and `.answer(.runs(...))` when others appear or change.
    func attach(_ mailbox: Mailbox)

    func sessions() throws -> [SessionEntry]
    func runs() throws -> [RunRow]
    /// Everything of a run up to now.
    func trace(of run: RunID) throws -> RunTrace
    /// From now on this run's events are wanted, whichever process writes it; those of other processes' runs asked for before are
    /// not wanted any more. Events already contained in the last `trace(of:)` are not to be sent again.
    func follow(_ run: RunID) throws
    /// One evaluation with its predictions.
    func evaluation(of run: RunID, _ key: EvaluationKey) throws -> EvaluationResult
    /// Starts training; the events follow through the mailbox.
    func start(_ spec: SessionSpec) throws -> RunID
    func resume(_ run: RunID) throws
    func send(_ command: RunCommand, to run: RunID) throws
    /// Whether this process trains a run or has one on its way; `.trainingEnded` is posted when that has become false.
    var isTraining: Bool { get }
    /// Asks this process's run to finish its step, save and end; does nothing where there is none.
    func stopTraining()
    func save(_ spec: SessionSpec, replacing path: String?) throws -> String
    func deleteSession(_ path: String) throws
    func deleteRun(_ run: RunID) throws
    func listFolder(_ path: String) throws -> FolderListing
    func describe(_ path: String, as purpose: PathPurpose) throws -> PathDescription
    /// A small picture, at most 96 pixels on its longer side; throws with the place where the image was, when it is gone.
    func thumbnail(of path: String, under data: String, in run: RunID) throws -> Thumbnail
    func comparePrompts(_ members: [CheckpointID]) throws -> PromptComparison
    /// Embeds the images of an evaluation with its checkpoint and lays them out; nil when `progress` said to stop.
    func features(of run: RunID, _ key: EvaluationKey, progress: @escaping @Sendable (_ phase: String, _ done: Int, _ total: Int) -> Bool) throws -> FeatureMap?
    /// Writes an exported file into a folder of its choice and says where.
    func write(_ text: String, name: String) throws -> String
    /// Keeps what the user prefers; called rarely.
    func saveSettings(theme: String, glyphs: Glyphs, mouse: Bool)
}

/// Carries effects to a backend and its answers back.
final class EffectRunner: Sendable {
    private let backend: any WorkbenchBackend
    private let mailbox: Mailbox
    private let work = DispatchQueue(label: "maple.backend")
    private let commands = DispatchQueue(label: "maple.commands")
    private let starts = DispatchQueue(label: "maple.starts")
    private let descriptions = DispatchQueue(label: "maple.descriptions")
    private let features = DispatchQueue(label: "maple.features", qos: .utility)
    private let breaksOff = Mutex(false)
    /// Wishes to train that the backend has not answered yet.
    private let starting = Mutex(0)

    init(backend: any WorkbenchBackend, mailbox: Mailbox) {
        self.backend = backend
        self.mailbox = mailbox
        backend.attach(mailbox)
    }

    /// Whether this process trains or is about to.
    var isTraining: Bool { starting.withLock { $0 } > 0 || backend.isTraining }

    func perform(_ effect: Effect) {
        let queue: DispatchQueue
        switch effect {
        case .mapFeatures(let id, let key): return mapFeatures(id, key)
        case .stopFeatures: return breaksOff.withLock { $0 = true }
        case .send, .stopTraining: queue = commands
        // Reading a model or a large data set takes its time; lists go on meanwhile.
        case .start, .resume: queue = starts
        case .describe: queue = descriptions
        default: queue = work
        }
        let isStart = effect.isStart
        if isStart { starting.withLock { $0 += 1 } }
        queue.async { [self] in
            let answer = Self.answer(to: effect, from: backend)
            if isStart { starting.withLock { $0 -= 1 } }
            if let answer { mailbox.post(.answer(answer)) }
        }
    }

    private func mapFeatures(_ id: RunID, _ key: EvaluationKey) {
        breaksOff.withLock { $0 = false }
        features.async { [self] in
            let told = Mutex(ContinuousClock.now)
            let answer = Self.features(of: id, key, from: backend) { [self] phase, done, total in
                let isDue = told.withLock { last in
                    guard last.duration(to: .now) > .milliseconds(200) else { return false }
                    last = .now
                    return true
                }
                if isDue { mailbox.post(.answer(.featureProgress(FeatureWork(run: id, key: key, phase: phase, done: done, total: total)))) }
                return !breaksOff.withLock { $0 }
            }
            mailbox.post(.answer(answer))
        }
    }

    private static func features(
        of id: RunID, _ key: EvaluationKey, from backend: any WorkbenchBackend, progress: @escaping @Sendable (String, Int, Int) -> Bool
    ) -> Answer {
        do {
            let found = try backend.features(of: id, key, progress: progress)
            return .features(id, key, found, problem: found == nil ? "stopped" : nil)
        } catch {
            return .features(id, key, nil, problem: "\(error)")
        }
    }

    /// Carries an effect out and waits for it; nil where there is nothing to say.
    static func answer(to effect: Effect, from backend: any WorkbenchBackend) -> Answer? {
        do {
            switch effect {
            case .loadSessions: return .sessions(try backend.sessions())
            case .loadRuns: return .runs(try backend.runs())
            case .loadTrace(let id): return .trace(try backend.trace(of: id))
            case .follow(let id): try backend.follow(id)
            case .loadPredictions(let id, let key): return .evaluation(id, try backend.evaluation(of: id, key))
            case .start(let spec):
                do { return .started(try backend.start(spec)) } catch { return .notStarted("\(error)") }
            case .resume(let id):
                do { try backend.resume(id) } catch { return .notStarted("\(error)") }
                return .started(id)
            case .send(let command, let id): try backend.send(command, to: id)
            case .stopTraining: backend.stopTraining()
            case .saveSession(let spec, let replacing): return .saved(try backend.save(spec, replacing: replacing))
            case .deleteSession(let path): try backend.deleteSession(path)
            case .deleteRun(let id): try backend.deleteRun(id)
            case .listFolder(let path):
                do { return .folder(try backend.listFolder(path)) } catch {
                    return .folder(FolderListing(path: path, entries: [], problem: "\(error)"))
                }
            case .describe(let path, let purpose):
                do { return .described(try backend.describe(path, as: purpose)) } catch {
                    return .described(PathDescription(path: path, purpose: purpose, text: "\(error)", isUsable: false))
                }
            case .loadThumbnail(let id, let data, let path):
                do { return .thumbnail(path: path, try backend.thumbnail(of: path, under: data, in: id), problem: nil) } catch {
                    return .thumbnail(path: path, nil, problem: "\(error)")
                }
            case .comparePrompts(let members): return .prompts(try backend.comparePrompts(members))
            case .mapFeatures(let id, let key): return features(of: id, key, from: backend) { _, _, _ in true }
            case .write(let name, let text): return .saved(try backend.write(text, name: name))
            case .saveSettings(let theme, let glyphs, let mouse): backend.saveSettings(theme: theme, glyphs: glyphs, mouse: mouse)
            case .setMouse, .setTheme, .redraw, .suspend, .quit, .stopFeatures: break
            }
        } catch {
            return .failed("\(error)")
        }
        return nil
    }
}

extension Effect {
    fileprivate var isStart: Bool {
        switch self {
        case .start, .resume: true
        default: false
        }
    }
}
