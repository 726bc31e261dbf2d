import Foundation

/// Lets one piece of work after the other in, in the order in which they came.
@MainActor
final class Turn {
    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func take<Result>(_ work: @MainActor () async throws -> Result) async rethrows -> Result {
        if isTaken {
            await withCheckedContinuation { waiting.append($0) }
        } else {
            isTaken = true
        }
        defer {
            if waiting.isEmpty { isTaken = false } else { waiting.removeFirst().resume() }
        }
        return try await work()
    }
}

/// Waits for the work, but no longer than so long. What takes longer goes on by itself: the core finishes what was begun.
@MainActor
func within(_ limit: Duration, _ work: @escaping @MainActor () async -> Void) async {
    let (done, ending) = AsyncStream.makeStream(of: Void.self)
    Task {
        await work()
        ending.finish()
    }
    let clock = Task {
        try? await Task.sleep(for: limit)
        ending.finish()
    }
    for await _ in done {}
    clock.cancel()
}
