import FirsthandCore

public struct BoardShown: ScreenState {
    public var loaded = false
    public var lines: [BoardLine] = []
    public var problem: Problem?

    public init() {}
}

/// Who is on, with whom, and how they are: in the order of the core, alarms first.
@MainActor
public final class BoardScreen: Screen<BoardShown> {
    init(_ node: Node, _ changes: Changes, _ shell: Shell) {
        super.init()
        let readBoard: @MainActor () async throws -> Void = {
            let lines = try await node.roster().board().lines
            self.show {
                $0.loaded = true
                $0.lines = lines
            }
        }
        read(on: changes.heard(), readBoard)
        read(on: shell.ticks(), readBoard)
    }
}
