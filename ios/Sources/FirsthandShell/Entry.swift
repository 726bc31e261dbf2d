import FirsthandCore
import Foundation

/// What a person has typed about an incident: size, activity, location, unit, time and equipment.
public struct Entry: Equatable, Sendable {
    public var from = ""
    public var to = ""
    public var activity = ""
    public var details = ""
    public var place = ""
    public var position: Place?
    public var unit = ""
    public var time: Occurred?
    public var equipment = ""
    public var severity: Severity?

    public init() {}

    /// What stands in a record, to go on with.
    public init(of record: Incident) {
        let count = record.counts.last { $0.what == .present }
        from = count?.low.map { String($0) } ?? ""
        to = count?.high.map { String($0) } ?? ""
        activity = record.title ?? ""
        details = record.narrative
        place = record.placeText
        position = record.place
        unit = record.actors.last?.groupLabel ?? ""
        time = record.occurredStart
        equipment = record.weaponsSeen.last?.kind ?? ""
        severity = record.severity
    }

    /// The numbers of people; nothing where none can be read. A number that cannot be read is left out, never guessed.
    var count: Count? {
        let (low, high) = (number(from), number(to))
        return low == nil && high == nil ? nil : Count(what: .present, low: low, high: high)
    }

    var actor: Actor? { unit.isBlank ? nil : Actor(role: .initiator, groupLabel: unit.trimmed) }

    var weapon: Weapon? { equipment.isBlank ? nil : Weapon(kind: equipment.trimmed, usage: .displayed) }
}

/// The whole number that somebody typed, in the decimal digits of any script.
func number(_ text: String) -> UInt32? {
    let digits = text.trimmed.unicodeScalars.map { scalar in
        scalar.properties.numericType == .decimal ? scalar.properties.numericValue.map { UInt32($0) } : nil
    }
    guard !digits.isEmpty, !digits.contains(nil) else { return nil }
    return UInt32(digits.compactMap { $0.map(String.init) }.joined())
}

/// What turns one text into another: from `at`, `delete` Unicode scalar values go and `insert` comes.
struct Splice: Equatable {
    let at: Int
    let delete: Int
    let insert: String

    /// The smallest splice between two texts; nothing where they are the same.
    init?(_ old: String, _ new: String) {
        let (before, after) = (Array(old.unicodeScalars), Array(new.unicodeScalars))
        guard before != after else { return nil }
        let start = zip(before, after).prefix { $0 == $1 }.count
        let end = zip(before[start...].reversed(), after[start...].reversed()).prefix { $0 == $1 }.count
        at = start
        delete = before.count - start - end
        var inserted = String.UnicodeScalarView()
        inserted.append(contentsOf: after[start..<after.count - end])
        insert = String(inserted)
    }
}
