import FirsthandCore

/// Why something was not done, as far as a screen says it.
public enum Trouble: String, Sendable, CaseIterable {
    case locked, keyStore, keyStoreGone, storageFull, inUse, newerApp, invalid, notFound, exists, notAllowed, removed, conflict
    case emptyFile, badCode, noAnswer, homeFailed, noCapture, noPosition, other
}

/// Something that was not done.
public struct Problem: Equatable, Sendable {
    public let trouble: Trouble
    /// The names of fields to put right.
    public let fields: [String]

    public init(_ trouble: Trouble, fields: [String] = []) {
        self.trouble = trouble
        self.fields = fields
    }

    /// What a screen says of an error; nothing where the person cancelled it.
    init?(of error: any Error) {
        switch error as? ApiError {
        case .Cancelled: return nil
        case .Locked: self.init(.locked)
        case .KeyStore(let gone): self.init(gone ? .keyStoreGone : .keyStore)
        case .StorageFull: self.init(.storageFull)
        case .InUse: self.init(.inUse)
        case .NewerApp: self.init(.newerApp)
        case .Invalid(let fields): self.init(.invalid, fields: fields.map(\.field))
        case .NoAnswer: self.init(.noAnswer)
        case .HomeFailed: self.init(.homeFailed)
        case .Refused(let why, _): self.init(Trouble(why))
        case nil: self.init(.other)
        }
    }
}

extension Trouble {
    init(_ refusal: Refusal) {
        switch refusal {
        case .notFound, .ambiguous: self = .notFound
        case .exists: self = .exists
        case .notAllowed: self = .notAllowed
        case .removed: self = .removed
        case .conflict: self = .conflict
        case .emptyFile: self = .emptyFile
        case .badCode: self = .badCode
        case .other: self = .other
        }
    }
}
