import FirsthandCore

public struct IncidentShown: ScreenState {
    public var detail: IncidentDetail?
    /// Oldest first.
    public var history: [HistoryStep] = []
    /// What became of the last choice between values.
    public var settled: Settled?
    public var problem: Problem?

    public init() {}
}

/// One incident with its history and conflicts.
@MainActor
public final class IncidentScreen: Screen<IncidentShown> {
    public let id: String
    private let node: Node

    init(_ node: Node, _ changes: Changes, _ id: String) {
        self.node = node
        self.id = id
        super.init()
        read(on: changes.heard()) { try await self.readIncident() }
    }

    private func readIncident() async throws {
        let detail = try await node.incidents().get(id: id)
        let history = try await node.incidents().history(id: id)
        show {
            $0.detail = detail
            $0.history = history
        }
    }

    /// Picks one of the values of a conflict, by its key.
    @discardableResult
    public func resolve(field: String, candidate: String) -> Task<Void, Never> {
        act {
            let settled = try await self.node.incidents().resolve(id: self.id, field: field, candidate: candidate, note: "")
            self.show { $0.settled = settled }
            try await self.reading.take { try await self.readIncident() }
        }
    }
}
