import FirsthandCore

public struct TodayShown: ScreenState {
    /// The board was read once.
    public var loaded = false
    /// The person of this phone on their shift; nothing where they are on none.
    public var mine: BoardLine?
    /// Others who are overdue, or about whom an alarm stands.
    public var attention: [BoardLine] = []
    public var checkingIn = false
    /// When the last check-in of this screen was saved.
    public var checkedIn: LocalMoment?
    public var problem: Problem?

    public init() {}
}

/// The person's own shift and buddy, checking in, and who is overdue.
@MainActor
public final class TodayScreen: Screen<TodayShown> {
    private let node: Node
    private let shell: Shell

    init(_ node: Node, _ changes: Changes, _ shell: Shell) {
        self.node = node
        self.shell = shell
        super.init()
        read(on: changes.heard()) { try await self.readBoard() }
        read(on: shell.ticks()) { try await self.readBoard() }
    }

    private func readBoard() async throws {
        let me = try await node.team().state().me
        let lines = try await node.roster().board().lines
        show {
            $0.loaded = true
            $0.mine = lines.first { $0.person == me && $0.shift != nil }
            $0.attention = lines.filter { $0.person != me && (!$0.openAlarms.isEmpty || $0.due.isOverdue) }
        }
    }

    /// Saves a check-in of the person of this phone. A second touch while one is being saved does nothing.
    @discardableResult
    public func checkIn(_ state: CheckInState) -> Task<Void, Never> {
        guard !shown.checkingIn else { return Task {} }
        show { $0.checkingIn = true }
        return act {
            defer { self.show { $0.checkingIn = false } }
            _ = try await self.node.roster().checkIn(checkIn: CheckIn(state: state))
            let now = self.shell.now()
            self.show { $0.checkedIn = now }
            try await self.reading.take { try await self.readBoard() }
        }
    }
}

extension DueState {
    /// Nobody has heard of them in time.
    public var isOverdue: Bool {
        if case .overdue = self { true } else { false }
    }
}
