import FirsthandCore
import Foundation

/// Hears what the core tells, and passes it on to the screens.
public final class Changes: Observer {
    private let listeners = Listeners()

    public init() {}

    public func happened(happened: Happened) {
        listeners.tell(happened)
    }

    /// What happens from now on. Who is slow loses the oldest: a screen reads anew what stands whenever it hears anything.
    func heard(keeping most: Int = 1) -> AsyncStream<Happened> {
        let (stream, continuation) = AsyncStream.makeStream(of: Happened.self, bufferingPolicy: .bufferingNewest(most))
        listeners.add(continuation)
        return stream
    }
}

/// The core calls on its own threads, screens come and go on the main one.
private final class Listeners: @unchecked Sendable {
    private let lock = NSLock()
    private var all: [Int: AsyncStream<Happened>.Continuation] = [:]
    private var next = 0

    func add(_ continuation: AsyncStream<Happened>.Continuation) {
        let id = lock.withLock {
            next += 1
            all[next] = continuation
            return next
        }
        continuation.onTermination = { [weak self] _ in self?.remove(id) }
    }

    private func remove(_ id: Int) {
        lock.withLock { all[id] = nil }
    }

    func tell(_ happened: Happened) {
        // Nothing is called under the lock: a listener that has just ended takes it again.
        for listener in lock.withLock({ Array(all.values) }) { listener.yield(happened) }
    }
}
