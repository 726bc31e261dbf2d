import FirsthandCore
import FirsthandShell
import UIKit

/// The language of the screens, such as `ar`.
func phoneLanguage() -> String { Bundle.main.preferredLocalizations.first ?? "en" }

/// A time as this phone shows it.
func localMoment(atMs: Int64) -> LocalMoment {
    let date = Date(timeIntervalSince1970: TimeInterval(atMs) / 1_000)
    return LocalMoment(atMs: atMs, offsetMinutes: Int16(TimeZone.current.secondsFromGMT(for: date) / 60))
}

/// What the app is put together from.
@MainActor
final class Parts {
    let app: HomeDoor
    let background: Background
    let cover = Cover()
    private let discovery: BonjourDiscovery
    private let multipeer: MultipeerStreams

    init() {
        let alarms = Alarms()
        let files = FileManager.default
        // Neither is in a backup of the phone: a copy on another one counts as another installation.
        let support = files.urls(for: .applicationSupportDirectory, in: .userDomainMask)[0]
        let (home, recordings) = (support.appendingPathComponent("home"), support.appendingPathComponent("recordings"))
        for folder in [support, recordings] { Self.keepOutOfBackups(folder) }
        var shell = Shell(
            now: { localMoment(atMs: Int64(Date().timeIntervalSince1970 * 1_000)) },
            recorder: PhoneRecorder(), recordings: recordings, overdueAlarm: alarms, ticks: halfMinutes)
        shell.language = { phoneLanguage() }
        let (discovery, multipeer) = (BonjourDiscovery(), MultipeerStreams())
        let finders = Finders(both: [discovery, multipeer])
        let ports = Platform(
            vault: KeychainVault(), clock: PhoneClock(), location: PhoneLocation(), notifier: alarms, discovery: finders)
        let app = HomeDoor(folder: home.path, ports: ports, shell: shell)
        discovery.tell { sighting in
            guard case .open(let home) = app.door else { return }
            switch sighting {
            case .here(let name, let addresses): home.sync.found(name: name, addresses: addresses)
            case .gone(let name): home.sync.gone(name: name)
            }
        }
        multipeer.meet { stream, dialled in
            guard case .open(let home) = app.door else { return nil }
            return await home.sync.meet(over: stream, dialled: dialled)
        }
        self.app = app
        self.discovery = discovery
        self.multipeer = multipeer
        background = Background(lock: { await app.lock().value })
    }

    private static func keepOutOfBackups(_ folder: URL) {
        var folder = folder
        var values = URLResourceValues()
        values.isExcludedFromBackup = true
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try? folder.setResourceValues(values)
    }
}

/// Ticks every half minute, so that "1 minute ago" is wrong by half of one at most.
@Sendable
private func halfMinutes() -> AsyncStream<Void> {
    AsyncStream { continuation in
        let ticking = Task {
            while !Task.isCancelled {
                try? await Task.sleep(for: .seconds(30))
                continuation.yield()
            }
        }
        continuation.onTermination = { _ in ticking.cancel() }
    }
}

/// Two ways to find others, as one.
private final class Finders: Discovery {
    private let both: [any Discovery]

    init(both: [any Discovery]) { self.both = both }

    /// One that cannot be used leaves the other; where neither can, the core is told.
    func start(name: String, port: UInt16) throws {
        var started = false
        for finder in both {
            do {
                try finder.start(name: name, port: port)
                started = true
            } catch {}
        }
        if !started { throw PortError.Unavailable }
    }

    func stop() throws {
        for finder in both { try? finder.stop() }
    }
}

/// Covers everything while the app is not in use. What the phone shows of apps that were left, and keeps as a picture, is this and not a
/// screen with names on it. A window of its own lies above sheets too.
@MainActor
final class Cover {
    private var windows: [UIWindow] = []

    func lower() {
        guard windows.isEmpty else { return }
        for case let scene as UIWindowScene in UIApplication.shared.connectedScenes {
            let window = UIWindow(windowScene: scene)
            window.windowLevel = .alert
            window.rootViewController = UIViewController()
            window.backgroundColor = .systemBackground
            window.isHidden = false
            windows.append(window)
        }
    }

    func lift() {
        for window in windows { window.isHidden = true }
        windows = []
    }
}

/// Locks the home after the app was left, before the phone stops it.
///
/// The phone lets an app that was left run for some seconds and then stops it as it is, keys in memory included. So the home is locked
/// while there is time. Whoever comes back before finds it open.
@MainActor
final class Background {
    /// Long enough to answer a message, and shorter than the least that the phone gives.
    private static let grace = Duration.seconds(15)

    private let lock: @MainActor () async -> Void
    private var waiting: Task<Void, Never>?
    private var time = UIBackgroundTaskIdentifier.invalid

    init(lock: @escaping @MainActor () async -> Void) { self.lock = lock }

    func left() {
        guard waiting == nil else { return }
        time = UIApplication.shared.beginBackgroundTask { [weak self] in
            // No time is left: locked at once, as far as it comes.
            MainActor.assumeIsolated { self?.lockNow() }
        }
        waiting = Task {
            try? await Task.sleep(for: Self.grace)
            if !Task.isCancelled { await lock() }
            end()
        }
    }

    func returned() {
        waiting?.cancel()
    }

    private func lockNow() {
        waiting?.cancel()
        Task {
            await lock()
            end()
        }
    }

    private func end() {
        waiting = nil
        guard time != .invalid else { return }
        UIApplication.shared.endBackgroundTask(time)
        time = .invalid
    }
}
