import FirsthandCore
import Observation

/// What a screen shows. Made without anything, it shows nothing of anybody.
public protocol ScreenState: Equatable, Sendable {
    init()

    /// What went wrong with the last thing that the person asked for.
    var problem: Problem? { get set }
}

/// A screen that ends by itself or with the home.
@MainActor
protocol Ending: AnyObject {
    var isEnded: Bool { get }
    func end()
}

/// What one screen shows, and what it does. When it ends, because the home is locked or the screen left, nothing of what was shown
/// stays, and what the core answers later is not shown.
@MainActor
@Observable
public class Screen<Shown: ScreenState>: Ending {
    public private(set) var shown = Shown()

    @ObservationIgnored public private(set) var isEnded = false
    @ObservationIgnored private var running: [Int: Task<Void, Never>] = [:]
    @ObservationIgnored private var begun = 0
    /// One reading at a time, so that what was read earlier is not shown later.
    @ObservationIgnored let reading = Turn()

    init() {}

    /// Changes what is shown.
    func show(_ change: (inout Shown) -> Void) {
        guard !isEnded else { return }
        change(&shown)
    }

    /// Ends the screen for good.
    public func end() {
        guard !isEnded else { return }
        shown = Shown()
        isEnded = true
        for task in running.values { task.cancel() }
        running = [:]
    }

    /// Does something on its own; it is cancelled when the screen ends.
    @discardableResult
    func start(_ work: @escaping @MainActor () async -> Void) -> Task<Void, Never> {
        guard !isEnded else { return Task {} }
        begun += 1
        let id = begun
        let task = Task { [weak self] in
            await work()
            self?.running[id] = nil
        }
        running[id] = task
        return task
    }

    /// Does what a person asked for; what fails is shown.
    @discardableResult
    func act(_ work: @escaping @MainActor () async throws -> Void) -> Task<Void, Never> {
        show { $0.problem = nil }
        return start { await self.caught(work) }
    }

    /// Does something and shows what fails. Says whether it was done.
    @discardableResult
    func caught(_ work: @MainActor () async throws -> Void) async -> Bool {
        do {
            try await work()
            return true
        } catch is CancellationError {
            return false
        } catch {
            let problem = Problem(of: error)
            show { $0.problem = problem }
            return false
        }
    }

    /// Reads at once, and again each time that something is heard.
    func read<Heard>(on heard: AsyncStream<Heard>, _ read: @escaping @MainActor () async throws -> Void) {
        // The stream listens already: what happens while the first reading runs leads to another one.
        start {
            await self.caught { try await self.reading.take(read) }
            for await _ in heard { await self.caught { try await self.reading.take(read) } }
        }
    }

    /// The person has read what went wrong.
    public func dismiss() {
        show { $0.problem = nil }
    }
}
