import FirsthandCore
import FirsthandShell
import Foundation

/// A name or a number inside a sentence that may run the other way keeps its own direction.
func apart(_ text: String) -> String { "\u{2068}\(text)\u{2069}" }

extension Severity {
    static let all: [Severity] = [.extreme, .severe, .moderate, .minor, .unknown]

    var label: String {
        switch self {
        case .extreme: Texts.severityExtreme
        case .severe: Texts.severitySevere
        case .moderate: Texts.severityModerate
        case .minor: Texts.severityMinor
        case .unknown: Texts.severityUnknown
        }
    }
}

extension Status {
    static let all: [Status] = [.draft, .open, .monitoring, .closed, .mergedInto]

    var label: String {
        switch self {
        case .draft: Texts.statusDraft
        case .open: Texts.statusOpen
        case .monitoring: Texts.statusMonitoring
        case .closed: Texts.statusClosed
        case .mergedInto: Texts.statusMerged
        }
    }
}

extension CheckInState {
    var label: String {
        switch self {
        case .ok: Texts.stateOk
        case .needSupport: Texts.stateNeedSupport
        case .moving: Texts.stateMoving
        case .offSite: Texts.stateOffSite
        case .missing: Texts.stateMissing
        case .covertDistress: Texts.stateDistress
        }
    }
}

/// The name of a field; one that has none here is shown as the core calls it, never left out.
func fieldLabel(_ name: String) -> String {
    switch name.prefix(while: { $0 != "." && $0 != "[" }) {
    case "title": Texts.fieldTitle
    case "narrative": Texts.fieldNarrative
    case "place": Texts.fieldPlace
    case "place_text": Texts.fieldPlaceText
    case "severity": Texts.fieldSeverity
    case "status": Texts.fieldStatus
    case "category": Texts.fieldCategory
    case "occurred_start", "occurred_end": Texts.fieldOccurred
    case "counts": Texts.fieldCounts
    case "actors": Texts.fieldActors
    case "weapons_seen": Texts.fieldWeapons
    case "name": Texts.joinName
    default: name
    }
}

extension Incident {
    /// The value of one field of an incident that holds this field alone.
    func value(of field: String) -> String {
        switch field {
        case "severity": severity?.label ?? ""
        case "status": status?.label ?? ""
        case "place": place?.words ?? ""
        case "occurred_start": occurredStart?.time.words ?? ""
        case "title": title ?? ""
        case "category": category ?? ""
        default: ""
        }
    }
}

/// A value of the history: the label of a code, and anything else as it is.
func noted(_ field: String, _ value: String) -> String {
    switch field {
    case "severity": Severity.all.first { "\($0)" == value }?.label ?? value
    case "status": Status.all.first { "\($0)" == value }?.label ?? value
    default: value
    }
}

extension Problem {
    var text: String {
        switch trouble {
        case .locked: Texts.problemLocked
        case .keyStore: Texts.problemKeyStore
        case .keyStoreGone: Texts.problemKeyStoreGone
        case .storageFull: Texts.problemStorageFull
        case .inUse: Texts.problemInUse
        case .newerApp: Texts.problemNewerApp
        case .invalid: Texts.problemInvalid(fields.map(fieldLabel).joined(separator: ", "))
        case .notFound: Texts.problemNotFound
        case .exists: Texts.problemExists
        case .notAllowed: Texts.problemNotAllowed
        case .removed: Texts.problemRemoved
        case .conflict: Texts.problemConflict
        case .emptyFile: Texts.problemEmptyFile
        case .badCode: Texts.problemBadCode
        case .noAnswer: Texts.problemNoAnswer
        case .homeFailed: Texts.problemHomeFailed
        case .noCapture: Texts.problemNoCapture
        case .noPosition: Texts.problemNoPosition
        case .other: Texts.problemOther
        }
    }
}

/// A length of time in the largest unit of which there are at least two.
func length(_ milliseconds: UInt64) -> String {
    let minutes = Int(milliseconds / 60_000)
    if minutes < 120 { return Texts.commonMinutes(minutes) }
    if minutes < 48 * 60 { return Texts.commonHours(minutes / 60) }
    return Texts.commonDays(minutes / (24 * 60))
}

extension LocalMoment {
    /// The moment as the phone that noted it showed it.
    var words: String { formatted("d MMM, HH:mm", .current) }

    /// The time of day alone.
    var clock: String { formatted("HH:mm", Locale(identifier: "en_US_POSIX")) }

    private func formatted(_ pattern: String, _ locale: Locale) -> String {
        let format = DateFormatter()
        format.locale = locale
        format.timeZone = TimeZone(secondsFromGMT: Int(offsetMinutes) * 60)
        format.dateFormat = pattern
        return format.string(from: Date(timeIntervalSince1970: TimeInterval(atMs) / 1_000))
    }
}

extension Place {
    var words: String {
        // Digits and the point as every map takes them.
        let (north, east) = (apart(String(format: "%.5f", lat)), apart(String(format: "%.5f", lon)))
        guard let accuracyM else { return "\(north), \(east)" }
        return Texts.logPosition(north, east, String(format: "%.0f", accuracyM))
    }
}

extension DueState {
    /// When somebody is to be heard of, for the board; nothing where nobody waits.
    var words: String? {
        switch self {
        case .notExpected: nil
        case .in(let ms): Texts.boardDueIn(length(ms))
        case .late(let ms): Texts.boardLate(length(ms))
        case .overdue(let ms): Texts.boardOverdue(length(ms))
        }
    }
}
