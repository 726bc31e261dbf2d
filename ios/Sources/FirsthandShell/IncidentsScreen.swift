import FirsthandCore

public struct IncidentsShown: ScreenState {
    public var loaded = false
    public var rows: [IncidentItem] = []
    /// There may be more than is shown.
    public var more = false
    public var search = ""
    public var problem: Problem?

    public init() {}
}

/// The list of incidents, newest first, by pages. It follows what happens by itself.
@MainActor
public final class IncidentsScreen: Screen<IncidentsShown> {
    /// How many lines a page has: what fits on a few screens.
    public static let page: UInt32 = 50

    private let node: Node
    private var watching: Task<Void, Never>?
    private var list: IncidentList?

    init(_ node: Node) {
        self.node = node
        super.init()
        watch("")
    }

    /// Shows only incidents in which every word is found.
    public func search(_ text: String) {
        guard text != shown.search else { return }
        show { $0.search = text }
        watch(text)
    }

    private func watch(_ text: String) {
        watching?.cancel()
        watching = start { await self.caught { try await self.follow(IncidentFilter(text: text)) } }
    }

    private func follow(_ filter: IncidentFilter) async throws {
        let (heard, telling) = AsyncStream.makeStream(of: Heard.self)
        let watched = try await node.incidents().watch(filter: filter, page: Self.page, listener: Listener(telling))
        defer {
            watched.end()
            if list === watched { list = nil }
        }
        // Somebody may have searched for something else meanwhile.
        try Task.checkCancellation()
        list = watched
        // An empty list brings no first page: what stands is asked for once.
        let first = try await node.incidents().page(filter: filter, limit: Self.page, after: nil)
        try Task.checkCancellation()
        show {
            $0.loaded = true
            $0.rows = first.rows
            $0.more = first.next != nil
        }
        for await what in heard {
            try Task.checkCancellation()
            switch what {
            case .rows(let rows):
                show {
                    $0.rows = rows
                    $0.more = $0.more && rows.count.isMultiple(of: Int(Self.page))
                }
            case .ended(let error): throw error
            }
        }
    }

    /// Shows another page.
    @discardableResult
    public func more() -> Task<Void, Never> {
        act {
            guard let more = try await self.list?.more() else { return }
            self.show { $0.more = more }
        }
    }
}

private enum Heard: Sendable {
    case rows([IncidentItem])
    case ended(ApiError)
}

/// Applies differences as they come. The core calls on its own threads, one call at a time.
private final class Listener: IncidentListListener, @unchecked Sendable {
    private let telling: AsyncStream<Heard>.Continuation
    private var rows: [IncidentItem] = []

    init(_ telling: AsyncStream<Heard>.Continuation) {
        self.telling = telling
    }

    func changed(changes: [ListChange]) {
        for change in changes {
            switch change {
            case .inserted(let at, let row): rows.insert(row, at: Int(at))
            case .removed(let at): rows.remove(at: Int(at))
            case .updated(let at, let row): rows[Int(at)] = row
            }
        }
        telling.yield(.rows(rows))
    }

    func ended(error: ApiError) {
        telling.yield(.ended(error))
    }
}
