import FirsthandCore

public struct ChecklistShown: ScreenState {
    public var loaded = false
    public var lists: [ChecklistItem] = []
    /// The run that is shown; its id is all that has to survive the process.
    public var run: RunState?
    /// What was typed and not saved yet, by item.
    public var typed: [String: String] = [:]
    public var problem: Problem?

    public init() {}
}

extension ChecklistItem {
    /// What it is called in a language, or else in the first one that it has.
    public func title(in language: String) -> String {
        title[language] ?? title.min { $0.key < $1.key }?.value ?? templateId
    }
}

/// The checklists, and one run of one of them.
@MainActor
public final class ChecklistScreen: Screen<ChecklistShown> {
    private let node: Node
    private let shell: Shell

    init(_ node: Node, _ changes: Changes, _ shell: Shell) {
        self.node = node
        self.shell = shell
        super.init()
        read(on: changes.heard()) { try await self.readAll() }
    }

    private func readAll() async throws {
        let lists = try await node.checklists().all().filter(\.offered)
        var run: RunState?
        if let open = shown.run?.id { run = try await node.checklists().state(id: open, language: shell.language()) }
        show {
            $0.loaded = true
            $0.lists = lists
            // A run that was left meanwhile stays left.
            if $0.run?.id == run?.id { $0.run = run }
        }
    }

    /// Begins a run.
    @discardableResult
    public func begin(_ checklist: String) -> Task<Void, Never> {
        act { try await self.showRun(try await self.node.checklists().start(template: checklist, context: nil).id) }
    }

    /// Goes on with a run.
    @discardableResult
    public func open(_ run: String) -> Task<Void, Never> {
        act { try await self.showRun(run) }
    }

    private func showRun(_ run: String) async throws {
        let state = try await node.checklists().state(id: run, language: shell.language())
        show {
            $0.run = state
            $0.typed = [:]
        }
    }

    private func step(_ work: @escaping @MainActor (String) async throws -> Void) -> Task<Void, Never> {
        act {
            guard let run = self.shown.run?.id else { return }
            try await work(run)
            try await self.reading.take { try await self.readAll() }
        }
    }

    @discardableResult
    public func tick(_ item: String) -> Task<Void, Never> {
        step { _ = try await self.node.checklists().tick(run: $0, item: item) }
    }

    @discardableResult
    public func untick(_ item: String) -> Task<Void, Never> {
        step { _ = try await self.node.checklists().untick(run: $0, item: item) }
    }

    public func type(_ item: String, _ text: String) {
        show { $0.typed[item] = text }
    }

    /// Saves what was typed as the answer to an item.
    @discardableResult
    public func answer(_ item: String) -> Task<Void, Never> {
        step { run in
            guard let typed = self.shown.typed[item] else { return }
            _ = try await self.node.checklists().answer(run: run, item: item, typed: typed, note: "")
            // What was typed while it was being saved stays.
            self.show { if $0.typed[item] == typed { $0.typed[item] = nil } }
        }
    }

    @discardableResult
    public func complete() -> Task<Void, Never> {
        step { _ = try await self.node.checklists().complete(id: $0, language: self.shell.language()) }
    }

    /// Goes back to the list of checklists.
    public func leave() {
        show {
            $0.run = nil
            $0.typed = [:]
        }
    }
}
