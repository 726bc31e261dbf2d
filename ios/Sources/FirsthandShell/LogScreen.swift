import FirsthandCore
import Foundation

/// How far what was typed has come.
public enum Saved: Sendable {
    case nothing, typing, saved, notSaved
}

public struct LogShown: ScreenState {
    /// What was saved before is being read; typing waits for it.
    public var restoring = false
    public var entry = Entry()
    public var saved = Saved.nothing
    /// The incident's short name, once it has one.
    public var code = ""
    public var files = 0
    public var attaching = false
    /// Recordings that wait to be saved.
    public var pending: [URL] = []
    public var findingPosition = false
    public var finished = false
    public var problem: Problem?

    public init() {}
}

/// Logging an incident, saved as one types: what was typed is on the disk half a second and one save later, however fast one types on.
/// To go on after the process ended, keep `draft` alone: no text of a person goes into what the phone stores of a screen.
@MainActor
public final class LogScreen: Screen<LogShown> {
    /// Half of the second that may be lost at most, so that the save has the other half.
    static let saveAfter = Duration.milliseconds(500)

    private let node: Node
    private let shell: Shell
    private let draftRecord: Draft
    private let typed: AsyncStream<Void>.Continuation
    private var searching: CancelToken?
    /// What kept the last save from being made.
    private var unsaved: Problem?

    /// The incident that is being written; nothing while there is nothing of it.
    public var draft: String? { draftRecord.id }

    init(_ node: Node, _ shell: Shell, restored: String? = nil) {
        self.node = node
        self.shell = shell
        draftRecord = Draft(node.incidents())
        let (signals, typed) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.typed = typed
        super.init()
        show { $0.restoring = restored != nil }
        start {
            if let restored { await self.restore(restored) }
            self.sweep()
            for await _ in signals {
                // What is typed meanwhile is part of this save.
                try? await Task.sleep(for: Self.saveAfter)
                if Task.isCancelled { return }
                _ = await self.flush()
            }
        }
    }

    private func restore(_ draft: String) async {
        await caught {
            let entry = try await draftRecord.restore(draft)
            let files = try await node.incidents().get(id: draft).files.count
            show {
                $0.entry = entry
                $0.code = draftRecord.code
                $0.files = files
                $0.saved = .saved
            }
        }
        show { $0.restoring = false }
    }

    /// Recordings whose process ended before they were sealed.
    private func sweep() {
        let files = try? FileManager.default.contentsOfDirectory(at: shell.recordings, includingPropertiesForKeys: nil)
        let left = (files ?? []).filter { !$0.hasDirectoryPath }.sorted { $0.path < $1.path }
        show { $0.pending = left }
    }

    /// A person types or chooses.
    public func edit(_ change: (inout Entry) -> Void) {
        guard !isEnded, !shown.restoring, !shown.finished else { return }
        show {
            change(&$0.entry)
            $0.saved = .typing
        }
        typed.yield()
    }

    /// It happens now.
    public func now() {
        let time = Occurred(time: shell.now(), precision: .minute)
        edit { $0.time = time }
    }

    /// Saves what was typed and not saved yet; returns when it is on the disk. Says whether all of it is.
    public func flush() async -> Bool {
        while true {
            let entry = shown.entry
            // What is typed after the screen has ended is not shown, and is nothing to save.
            if isEnded || shown.restoring || (draft == nil && entry == Entry()) { return true }
            let before = unsaved
            do {
                unsaved = try await draftRecord.save(entry).flatMap { Problem(of: $0) }
            } catch {
                unsaved = Problem(of: error)
            }
            let now = unsaved
            let isLatest = shown.entry == entry
            show {
                $0.code = draftRecord.code
                // What went wrong with something else stays until somebody has read it.
                if let now { $0.problem = now } else if $0.problem == before { $0.problem = nil }
                if now != nil { $0.saved = .notSaved } else if isLatest { $0.saved = .saved }
            }
            if now != nil { return false }
            if isLatest { return true }
        }
    }

    /// Asks the phone where it is. The person goes on typing meanwhile.
    @discardableResult
    public func findPosition() -> Task<Void, Never> {
        guard !shown.findingPosition else { return Task {} }
        let cancel = CancelToken()
        searching = cancel
        show {
            $0.findingPosition = true
            $0.problem = nil
        }
        return start {
            defer {
                self.searching = nil
                self.show { $0.findingPosition = false }
            }
            do {
                let place = try await self.node.position(timeoutMs: self.shell.positionMs, cancel: cancel)
                self.edit { $0.position = place }
            } catch ApiError.Cancelled {
                // The person did not want to wait.
            } catch ApiError.NoAnswer {
                self.show { $0.problem = Problem(.noPosition) }
            } catch {
                self.show { $0.problem = Problem(of: error) }
            }
        }
    }

    public func stopFinding() {
        searching?.cancel()
    }

    /// Takes a photo or records voice, and adds it.
    @discardableResult
    public func record(_ kind: Recording) -> Task<Void, Never> {
        attaching {
            let folder = self.shell.recordings
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            do {
                guard let file = try await self.shell.recorder.record(kind, into: folder) else { return }
                try await self.attach(file)
            } catch let error as ApiError {
                throw error
            } catch {
                self.show { $0.problem = Problem(.noCapture) }
            }
        }
    }

    /// Tries again to add what could not be saved.
    @discardableResult
    public func retryFiles() -> Task<Void, Never> {
        attaching { for file in self.shown.pending { try await self.attach(file) } }
    }

    private func attaching(_ work: @escaping @MainActor () async throws -> Void) -> Task<Void, Never> {
        guard !shown.attaching else { return Task {} }
        show { $0.attaching = true }
        return act {
            defer { self.show { $0.attaching = false } }
            try await work()
        }
    }

    /// Seals a recording into the home. It leaves the folder of recordings only then, or where there is nothing in it.
    private func attach(_ file: URL) async throws {
        let captured = Captured(time: shell.now(), place: shown.entry.position)
        do {
            let incident = try await draftRecord.begin()
            let new = NewAttachment(path: file.path, captured: captured)
            _ = try await node.files().attach(incident: incident, file: new, listener: nil, cancel: nil)
            try FileManager.default.removeItem(at: file)
            show {
                $0.files += 1
                $0.pending.removeAll { $0 == file }
                $0.code = draftRecord.code
                if $0.saved == .nothing { $0.saved = .saved }
            }
        } catch ApiError.Refused(why: .emptyFile, _) {
            try FileManager.default.removeItem(at: file)
            show {
                $0.problem = Problem(.emptyFile)
                $0.pending.removeAll { $0 == file }
            }
        } catch let error as ApiError {
            show {
                $0.pending.removeAll { $0 == file }
                $0.pending.append(file)
            }
            throw error
        }
    }

    /// Nothing more is typed.
    @discardableResult
    public func finish() -> Task<Void, Never> {
        act {
            guard await self.flush() else { return }
            try await self.draftRecord.finish()
            self.show { $0.finished = true }
        }
    }

    /// Saves what was typed last, and ends.
    @discardableResult
    public func saveAndLeave() -> Task<Void, Never> {
        start {
            _ = await self.flush()
            self.end()
        }
    }

    override public func end() {
        super.end()
        typed.finish()
        // A position that is still looked for is not waited for.
        searching?.cancel()
    }
}
