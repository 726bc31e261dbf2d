import FirsthandCore
import Foundation
import Testing

let passphrase = "five words picked at random"

func milliseconds() -> Int64 { Int64(Date().timeIntervalSince1970 * 1_000) }

/// Something that threads of the core change and a test waits for.
final class Watched<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var held: Value
    private var waiting: [AsyncStream<Void>.Continuation] = []

    init(_ value: Value) { held = value }

    var value: Value { lock.withLock { held } }

    func change(_ change: (inout Value) -> Void) {
        let told = lock.withLock {
            change(&held)
            return waiting
        }
        for continuation in told { continuation.yield() }
    }

    /// Waits until it holds; the time limit of the test ends the wait.
    @MainActor
    @discardableResult
    func until<Result>(_ holds: @MainActor (Value) async throws -> Result?) async throws -> Result {
        let (changes, telling) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        lock.withLock { waiting.append(telling) }
        var changed = changes.makeAsyncIterator()
        while true {
            if let result = try await holds(value) { return result }
            await changed.next()
            try Task.checkCancellation()
        }
    }
}

/// Collects what happened.
final class Collector: Observer {
    let calls = Watched<[Happened]>([])
    private let throwing: (any Error)?

    init(throwing: (any Error)? = nil) { self.throwing = throwing }

    func happened(happened: Happened) throws {
        calls.change { $0.append(happened) }
        if let throwing { throw throwing }
    }

    /// The last of its kind, as soon as there is one.
    @MainActor
    func wait<Result>(_ such: (Happening) -> Result?) async throws -> Result {
        try await calls.until { $0.flatMap(\.happenings).compactMap(such).last }
    }
}

/// A phone's clock that is off by so many milliseconds.
final class Clock: PlatformClock {
    private let aheadMs: Int64

    init(aheadMs: Int64) { self.aheadMs = aheadMs }

    func now() -> LocalMoment { LocalMoment(atMs: milliseconds() + aheadMs, offsetMinutes: 60) }

    func uptime() -> Uptime? { Uptime(boot: "b", ms: UInt64(ProcessInfo.processInfo.systemUptime * 1_000)) }
}

/// Homes of one test in a folder of their own, closed when it ends.
@MainActor
final class Homes {
    let folder: URL
    private var nodes: [Node] = []
    private var collectors: [String: Collector] = [:]

    private init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("firsthand-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    func write(_ name: String, _ bytes: Data) throws -> String {
        try bytes.write(to: folder.appendingPathComponent(name))
        return path(name)
    }

    /// What happened at somebody's home.
    func heard(_ name: String) -> Collector {
        if let collector = collectors[name] { return collector }
        let collector = Collector()
        collectors[name] = collector
        return collector
    }

    private func platform(_ name: String, _ ports: Platform) -> Platform {
        var platform = ports
        if platform.observer == nil { platform.observer = heard(name) }
        return platform
    }

    func keep(_ node: Node) -> Node {
        nodes.append(node)
        return node
    }

    func found(_ name: String = "Amina", _ ports: Platform = Platform()) async throws -> Node {
        let platform = platform(name, ports)
        return keep(
            try await Node.create(folder: path(name), passphrase: passphrase, team: "River", name: name, platform: platform))
    }

    /// Lets somebody join by an invitation of Amina's; gives their home and where she listens.
    func join(_ lead: Node, _ name: String, _ ports: Platform = Platform()) async throws -> (Node, String) {
        let address = try await lead.syncing().listen(at: "127.0.0.1:0")
        let code = try await lead.team().invite(role: .responder, addresses: [address])
        let joining = try await Joining.begin(
            folder: path(name), passphrase: passphrase, code: code, name: name, platform: platform(name, ports))
        let words = joining.words()
        let link = try await heard("Amina").wait { happening -> UInt64? in
            if case .words(let link, words) = happening { link } else { nil }
        }
        try await lead.team().compared(link: link, same: true)
        return (keep(try await joining.confirm()), address)
    }

    static func run(_ test: @MainActor (Homes) async throws -> Void) async throws {
        let homes = try Homes()
        let result: Result<Void, any Error>
        do {
            result = .success(try await test(homes))
        } catch {
            result = .failure(error)
        }
        // The test may have closed some of them.
        for node in homes.nodes { try? await node.shutdown() }
        try FileManager.default.removeItem(at: homes.folder)
        try result.get()
    }
}

/// Expects an error of the core, and gives it.
@MainActor
func fails<Ignored>(
    _ work: @MainActor () async throws -> Ignored, sourceLocation: SourceLocation = #_sourceLocation
) async throws -> ApiError {
    do {
        _ = try await work()
    } catch let error as ApiError {
        return error
    }
    Issue.record("it did not fail", sourceLocation: sourceLocation)
    throw NotFailed()
}

struct NotFailed: Error {}
