import FirsthandCore

/// An open home: makes the screens, and ends them all when it is locked.
@MainActor
public final class Home {
    public let node: Node
    let changes: Changes
    let shell: Shell
    private var screens: [any Ending] = []

    init(node: Node, changes: Changes, shell: Shell) {
        self.node = node
        self.changes = changes
        self.shell = shell
    }

    public private(set) lazy var today = kept(TodayScreen(node, changes, shell))
    public private(set) lazy var incidents = kept(IncidentsScreen(node))
    public private(set) lazy var board = kept(BoardScreen(node, changes, shell))
    public private(set) lazy var sync = kept(SyncScreen(node, changes, shell))
    public private(set) lazy var checklists = kept(ChecklistScreen(node, changes, shell))

    /// Logs a new incident, or goes on with the one that was begun: `draft` is what `LogScreen.draft` gave.
    public func log(draft: String? = nil) -> LogScreen { kept(LogScreen(node, shell, restored: draft)) }

    public func incident(_ id: String) -> IncidentScreen { kept(IncidentScreen(node, changes, id)) }

    public func invite() -> InviteScreen { kept(InviteScreen(node, changes, shell)) }

    private func kept<S: Ending>(_ screen: S) -> S {
        screens.removeAll { $0.isEnded }
        screens.append(screen)
        return screen
    }

    /// Saves what was typed and not saved yet.
    public func flush() async {
        for case let log as LogScreen in screens where !log.isEnded { _ = await log.flush() }
    }

    /// Ends every screen.
    func end() {
        for screen in screens { screen.end() }
        screens = []
    }
}
