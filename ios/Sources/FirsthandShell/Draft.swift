import FirsthandCore

/// An incident that is being written, and how far the core has it. What is called here is on the disk when it returns.
@MainActor
final class Draft {
    private let incidents: Incidents
    private let turn = Turn()
    /// What the core holds.
    private var kept = Entry()
    /// The items of lists that this draft added, so that a correction takes the earlier one back.
    private var keys: [ItemList: String] = [:]

    private(set) var id: String?
    private(set) var code = ""

    init(_ incidents: Incidents) {
        self.incidents = incidents
    }

    /// The lists of a record to which an entry adds one item.
    private enum ItemList: CaseIterable {
        case counts, actors, weapons

        func keys(_ record: Incident) -> [String] {
            switch self {
            case .counts: record.counts.map(\.key)
            case .actors: record.actors.map(\.key)
            case .weapons: record.weaponsSeen.map(\.key)
            }
        }
    }

    /// Goes on with a draft.
    func restore(_ draft: String) async throws -> Entry {
        let detail = try await incidents.get(id: draft)
        id = draft
        code = detail.shortCode
        for list in ItemList.allCases { keys[list] = list.keys(detail.record).last }
        kept = Entry(of: detail.record)
        return kept
    }

    /// Makes the record where there is none yet.
    func begin() async throws -> String {
        try await turn.take { try await begun() }
    }

    private func begun() async throws -> String {
        if let id { return id }
        let saved = try await incidents.add(incident: Incident(status: .draft))
        code = saved.shortCode
        id = saved.id
        return saved.id
    }

    /// Saves what differs. A field that is refused keeps no other from being saved; its error is given back.
    func save(_ entry: Entry) async throws -> ApiError? {
        try await turn.take {
            if entry == kept { return nil }
            var saving = Saving()
            let id = try await begun()
            // What takes longest to type again comes first.
            try await saving.field(entry.details == kept.details) {
                try await text(id, "narrative", kept.details, entry.details)
                kept.details = entry.details
            }
            try await saving.field(entry.activity == kept.activity) {
                try await value(id, "title", entry.activity.isBlank ? nil : Incident(title: entry.activity))
                kept.activity = entry.activity
            }
            try await saving.field(entry.place == kept.place) {
                try await text(id, "place_text", kept.place, entry.place)
                kept.place = entry.place
            }
            try await saving.field(entry.position == kept.position) {
                try await value(id, "place", entry.position.map { Incident(place: $0) })
                kept.position = entry.position
            }
            try await saving.field(entry.time == kept.time) {
                try await value(id, "occurred_start", entry.time.map { Incident(occurredStart: $0) })
                kept.time = entry.time
            }
            try await saving.field(entry.severity == kept.severity) {
                try await value(id, "severity", entry.severity.map { Incident(severity: $0) })
                kept.severity = entry.severity
            }
            try await saving.field(entry.count == kept.count) {
                try await item(id, .counts, entry.count.map { Incident(counts: [$0]) })
                (kept.from, kept.to) = (entry.from, entry.to)
            }
            try await saving.field(entry.actor == kept.actor) {
                try await item(id, .actors, entry.actor.map { Incident(actors: [$0]) })
                kept.unit = entry.unit
            }
            try await saving.field(entry.weapon == kept.weapon) {
                try await item(id, .weapons, entry.weapon.map { Incident(weaponsSeen: [$0]) })
                kept.equipment = entry.equipment
            }
            return saving.error
        }
    }

    private func text(_ id: String, _ field: String, _ old: String, _ new: String) async throws {
        guard let change = Splice(old, new) else { return }
        _ = try await incidents.splice(
            id: id, field: field, at: UInt64(change.at), delete: UInt64(change.delete), insert: change.insert)
    }

    private func value(_ id: String, _ field: String, _ changes: Incident?) async throws {
        if let changes {
            _ = try await incidents.edit(id: id, changes: changes)
        } else {
            _ = try await incidents.clear(id: id, fields: [field])
        }
    }

    /// Adds an item and then takes back the one that it corrects: killed in between, there are two and none is lost.
    private func item(_ id: String, _ list: ItemList, _ changes: Incident?) async throws {
        let corrected = keys[list]
        if let changes {
            let before = Set(list.keys(try await incidents.get(id: id).record))
            _ = try await incidents.edit(id: id, changes: changes)
            let added = list.keys(try await incidents.get(id: id).record).first { !before.contains($0) }
            if let added { keys[list] = added }
        } else {
            keys[list] = nil
        }
        if let corrected {
            _ = try await incidents.withdraw(id: id, key: corrected, reason: "corrected while it was entered")
        }
    }

    /// Nothing more is typed: the record counts as open.
    func finish() async throws {
        try await turn.take {
            if let id { _ = try await incidents.edit(id: id, changes: Incident(status: .open)) }
        }
    }
}

/// One save of several fields: what was refused of it.
@MainActor
private struct Saving {
    private var invalid: [FieldProblem] = []
    private var conflict: ApiError?

    var error: ApiError? { invalid.isEmpty ? conflict : .Invalid(fields: invalid) }

    mutating func field(_ isSaved: Bool, _ save: @MainActor () async throws -> Void) async throws {
        if isSaved { return }
        do {
            try await save()
        } catch ApiError.Invalid(let fields) {
            invalid += fields
        } catch ApiError.Refused(why: .conflict, let details) {
            // Somebody who has met this phone set the same field.
            conflict = .Refused(why: .conflict, details: details)
        }
    }
}
