import FirsthandCore
import Foundation
import Observation

/// What stands between a person and the home.
public enum Door {
    /// There is no home on this phone: the person joins a team.
    case noHome
    /// Nothing is shown.
    case locked(triesLeft: Int?, problem: Problem?)
    case opening
    /// The home is open.
    case open(Home)

    /// Locked, with nothing to say.
    public static var locked: Door { .locked(triesLeft: nil, problem: nil) }
}

extension Door: Equatable {
    public static func == (one: Door, other: Door) -> Bool {
        switch (one, other) {
        case (.noHome, .noHome), (.opening, .opening): true
        case (.locked(let tries, let problem), .locked(let otherTries, let otherProblem)):
            tries == otherTries && problem == otherProblem
        case (.open(let home), .open(let otherHome)): home === otherHome
        default: false
        }
    }
}

/// The one home of this phone, open or locked.
@MainActor
@Observable
public final class HomeDoor {
    public private(set) var door: Door

    @ObservationIgnored public let changes = Changes()
    /// The ports with the observer that the screens listen to; joining a team takes them too.
    @ObservationIgnored public let platform: Platform
    @ObservationIgnored private let folder: String
    @ObservationIgnored private let shell: Shell
    @ObservationIgnored private let turn = Turn()
    @ObservationIgnored private var node: Node?

    /// How long the last save may take: two hundred times what it takes on a slow phone.
    private static let lastSave = Duration.seconds(2)

    public init(folder: String, ports: Platform, shell: Shell) {
        self.folder = folder
        self.shell = shell
        var platform = ports
        platform.observer = changes
        self.platform = platform
        let held = try? FileManager.default.contentsOfDirectory(atPath: folder)
        door = held?.isEmpty == false ? .locked : .noHome
    }

    /// Opens the home.
    @discardableResult
    public func unlock(_ passphrase: String) -> Task<Void, Never> {
        Task {
            await turn.take {
                if case .open = door { return }
                door = .opening
                do {
                    enter(try await opened(passphrase))
                } catch ApiError.Locked(let triesLeft?) {
                    door = .locked(triesLeft: Int(triesLeft), problem: nil)
                } catch {
                    door = .locked(triesLeft: nil, problem: Problem(of: error))
                }
            }
        }
    }

    private func opened(_ passphrase: String) async throws -> Node {
        guard let node else { return try await Node.open(folder: folder, passphrase: passphrase, platform: platform) }
        try await node.unlock(passphrase: passphrase)
        return node
    }

    /// Begins to join a team in this phone's folder.
    public func join() -> JoinScreen {
        JoinScreen(folder: folder, platform: platform) { [weak self] made in await self?.joined(made) }
    }

    /// Goes on with a home that was just made by joining a team.
    public func joined(_ made: Node) async {
        await turn.take { enter(made) }
    }

    private func enter(_ opened: Node) {
        node = opened
        shell.overdueAlarm.set(inMs: nil)
        door = .open(Home(node: opened, changes: changes, shell: shell))
    }

    /// Hides everything at once; then what was typed last is saved, and the keys are wiped.
    @discardableResult
    public func lock() -> Task<Void, Never> {
        let seen = hide()
        return Task {
            await turn.take {
                // A home that was being opened when this was asked for is locked as well.
                guard let home = seen ?? hide() else { return }
                // A disk that hangs must not keep the home open.
                await within(Self.lastSave) { await home.flush() }
                home.end()
                do {
                    shell.overdueAlarm.set(inMs: try await node?.lock().nextOverdueMs)
                } catch {
                    // The home has gone; nothing of it is open any more.
                    door = .locked(triesLeft: nil, problem: Problem(of: error))
                }
            }
        }
    }

    /// Shows nothing of the home any more; gives what was open.
    private func hide() -> Home? {
        guard case .open(let home) = door else { return nil }
        door = .locked
        return home
    }

    /// Ends the home with the process.
    public func shutdown() async {
        await lock().value
        await turn.take {
            // It may have been ended before.
            try? await node?.shutdown()
            node = nil
        }
    }
}
