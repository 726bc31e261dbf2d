import FirsthandCore

public struct SyncShown: ScreenState {
    /// How it stands with everybody of the team.
    public var sync: SyncState?
    /// Where this phone waits for others; nothing while it does not look.
    public var listening: String?
    /// Where others reach it now, most likely first.
    public var addresses: [String] = []
    public var address = ""
    public var problem: Problem?

    public init() {}
}

/// How it stands with each other phone, and meeting them.
@MainActor
public final class SyncScreen: Screen<SyncShown> {
    private let node: Node
    private let shell: Shell
    private var nearby: Nearby?

    init(_ node: Node, _ changes: Changes, _ shell: Shell) {
        self.node = node
        self.shell = shell
        super.init()
        read(on: changes.heard()) {
            let sync = try await node.syncing().state()
            let addresses = try self.shown.listening.map { try node.syncing().reachable(listening: $0) }
            self.show {
                $0.sync = sync
                $0.addresses = addresses ?? []
            }
        }
    }

    /// Waits for other phones, and begins to look for them. What the shell's discovery finds it tells `found`.
    @discardableResult
    public func look() -> Task<Void, Never> {
        act {
            guard self.nearby == nil else { return }
            var listening = self.shown.listening
            if listening == nil {
                listening = try await self.node.syncing().listen(at: self.shell.listenAt)
            }
            guard let listening else { return }
            let addresses = try self.node.syncing().reachable(listening: listening)
            self.show {
                $0.listening = listening
                $0.addresses = addresses
            }
            self.nearby = try await self.node.syncing().lookAround(listening: listening, known: false)
        }
    }

    /// A phone announces itself on the network.
    @discardableResult
    public func found(name: String, addresses: [String]) -> Task<Void, Never> {
        act { _ = try self.nearby?.saw(name: name, addresses: addresses) }
    }

    /// A phone has said that it goes.
    @discardableResult
    public func gone(name: String) -> Task<Void, Never> {
        act { _ = try self.nearby?.gone(name: name) }
    }

    public func type(_ address: String) { show { $0.address = address } }

    /// Connects with a phone at the address that was typed: the owner of a hotspot is often invisible to the others.
    @discardableResult
    public func meet() -> Task<Void, Never> {
        act {
            let typed = self.shown.address
            _ = try await self.node.syncing().meet(address: typed.trimmed)
            self.show { if $0.address == typed { $0.address = "" } }
        }
    }

    /// Meets a phone over a stream that the shell has opened. What arrives on it is handed to what this gives; nothing where it
    /// cannot be.
    public func meet(over stream: any PeerStream, dialled: Bool) async -> IncomingBytes? {
        var incoming: IncomingBytes?
        await caught { incoming = try await self.node.syncing().meetOver(stream: stream, dialled: dialled) }
        return incoming
    }

    override public func end() {
        super.end()
        // What looks for others goes on until it is dropped.
        nearby = nil
    }
}

public struct InviteShown: ScreenState {
    /// What the QR code holds.
    public var code: String?
    /// Somebody uses it: the words to compare.
    public var words: [String] = []
    /// Whether the person has answered that they are the same.
    public var answered = false
    /// Who joined.
    public var joined: String?
    public var problem: Problem?

    public init() {}
}

/// Inviting one person by a QR code.
@MainActor
public final class InviteScreen: Screen<InviteShown> {
    /// How much may happen while this screen is busy: far more than one person who joins.
    private static let kept = 256

    private let node: Node
    private let shell: Shell
    private var link: UInt64?

    init(_ node: Node, _ changes: Changes, _ shell: Shell) {
        self.node = node
        self.shell = shell
        super.init()
        let heard = changes.heard(keeping: Self.kept)
        start { for await what in heard { for happening in what.happenings { self.hear(happening) } } }
    }

    private func hear(_ happening: Happening) {
        switch happening {
        case .words(let link, let words):
            self.link = link
            show {
                $0.words = words
                $0.answered = false
            }
        case .joined(let link, let name) where link == self.link:
            show {
                $0.joined = name
                $0.words = []
            }
        case .ended(let link, _, _) where link == self.link && shown.joined == nil:
            // Somebody who broke off may try again with the same code.
            show {
                $0.words = []
                $0.answered = false
            }
        default: break
        }
    }

    /// Makes the code. `listening`: where this phone waits already.
    @discardableResult
    public func invite(listening: String?, role: TeamRole = .responder) -> Task<Void, Never> {
        act {
            var waits = listening
            if waits == nil { waits = try await self.node.syncing().listen(at: self.shell.listenAt) }
            guard let waits else { return }
            let addresses = try self.node.syncing().reachable(listening: waits)
            let code = try await self.node.team().invite(role: role, addresses: addresses)
            self.show {
                $0.code = code
                $0.joined = nil
            }
        }
    }

    /// The person says whether the words are the same on both screens.
    @discardableResult
    public func compared(same: Bool) -> Task<Void, Never> {
        guard let link else { return Task {} }
        show { if same { $0.answered = true } else { $0.words = [] } }
        return act { try await self.node.team().compared(link: link, same: same) }
    }

    /// Leaves, and takes back a code that nobody used.
    @discardableResult
    public func leave() -> Task<Void, Never> {
        let unused = shown.code != nil && shown.joined == nil
        end()
        // The home may have been locked meanwhile, which took it back as well.
        return Task { if unused { try? await node.team().uninvite() } }
    }
}
