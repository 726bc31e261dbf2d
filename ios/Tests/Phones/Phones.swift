import FirsthandCore
import FirsthandShell
import Foundation
import Observation

public let passphrase = "five words picked at random"

/// The time of day, three hours east of Greenwich.
@Sendable
public func wallClock() -> LocalMoment {
    LocalMoment(atMs: Int64(Date().timeIntervalSince1970 * 1_000), offsetMinutes: 180)
}

/// Waits until something that is observed holds.
@MainActor
public func until(_ holds: @escaping @MainActor () -> Bool) async throws {
    while true {
        let (changes, changing) = AsyncStream.makeStream(of: Void.self)
        // It is called before the value changes; whoever waits goes on behind the change, which is made on the main thread too.
        if withObservationTracking({ MainActor.assumeIsolated(holds) }, onChange: { changing.yield() }) { return }
        var changed = changes.makeAsyncIterator()
        // The time limit of a test ends this wait.
        await changed.next()
        try Task.checkCancellation()
    }
}

/// A camera that gives what the test says.
public final class Camera: Recorder {
    public var gives: @MainActor (URL) throws -> URL? = { _ in nil }

    public func record(_ kind: Recording, into folder: URL) async throws -> URL? { try gives(folder) }
}

/// Remembers what it was set to.
public final class RememberedAlarm: OverdueAlarm {
    public private(set) var set: [UInt64?] = []

    public func set(inMs: UInt64?) { set.append(inMs) }
}

/// A phone of a test: the real core behind the screens.
@MainActor
public final class Phone {
    public let folder: URL
    public let camera = Camera()
    public let alarm = RememberedAlarm()
    public let shell: Shell
    public let app: HomeDoor
    public var homeFolder: URL { folder.appendingPathComponent("home") }
    private let (ticking, ticks) = AsyncStream.makeStream(of: Void.self)

    public init(in folder: URL, ports: Platform = Platform(), positionMs: UInt64 = 30_000) {
        self.folder = folder
        let silent = ticking
        var shell = Shell(
            now: wallClock, recorder: camera, recordings: folder.appendingPathComponent("recordings"), overdueAlarm: alarm,
            ticks: { silent })
        shell.listenAt = "0.0.0.0:0"
        shell.positionMs = positionMs
        self.shell = shell
        app = HomeDoor(folder: folder.appendingPathComponent("home").path, ports: ports, shell: shell)
    }

    /// Founds a team and opens its home.
    public func founded(_ name: String) async throws -> Home {
        let node = try await Node.create(
            folder: homeFolder.path, passphrase: passphrase, team: "River", name: name, platform: app.platform)
        await app.joined(node)
        return try home()
    }

    public func home() throws -> Home {
        guard case .open(let home) = app.door else { throw NotOpen(door: "\(app.door)") }
        return home
    }

    public func unlocked() async throws -> Home {
        await app.unlock(passphrase).value
        return try home()
    }

    /// Some time has gone by.
    public func tick() { ticks.yield() }

    /// What is left of recordings outside the home.
    public var recordings: [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: shell.recordings.path)) ?? []
    }
}

public struct NotOpen: Error {
    let door: String
}

/// The phones of one test in a folder of their own, ended when it ends.
@MainActor
public final class Phones {
    public let folder: URL
    private var all: [Phone] = []

    private init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("firsthand-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    public func phone(_ name: String = "phone", ports: Platform = Platform(), positionMs: UInt64 = 30_000) throws -> Phone {
        let own = folder.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
        let phone = Phone(in: own, ports: ports, positionMs: positionMs)
        all.append(phone)
        return phone
    }

    public static func run(_ test: @MainActor (Phones) async throws -> Void) async throws {
        let phones = try Phones()
        let result: Result<Void, any Error>
        do {
            result = .success(try await test(phones))
        } catch {
            result = .failure(error)
        }
        for phone in phones.all { await phone.app.shutdown() }
        try FileManager.default.removeItem(at: phones.folder)
        try result.get()
    }
}
