import FirsthandCore
import Foundation

public struct JoinShown: ScreenState {
    public var code = ""
    public var name = ""
    public var passphrase = ""
    public var connecting = false
    /// The words to compare; empty before.
    public var words: [String] = []
    /// The person said that they are the same; the other side has not yet.
    public var waiting = false
    public var problem: Problem?

    public init() {}

    public var canBegin: Bool { !code.isBlank && !name.isBlank && !passphrase.isEmpty && !connecting }
}

extension JoinShown: CustomStringConvertible, CustomReflectable {
    /// Nobody's passphrase reaches a log by way of a state that is printed.
    public var description: String { "JoinShown(words: \(words.count), connecting: \(connecting), waiting: \(waiting))" }
    public var customMirror: Mirror { Mirror(self, children: ["words": words.count]) }
}

extension String {
    var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
    var isBlank: Bool { trimmed.isEmpty }
}

/// Joining a team by a QR code.
@MainActor
public final class JoinScreen: Screen<JoinShown> {
    private let folder: String
    private let platform: Platform
    private let joined: @MainActor (Node) async -> Void
    private var joining: Joining?

    /// `joined` goes on with the home that was made.
    init(folder: String, platform: Platform, joined: @escaping @MainActor (Node) async -> Void) {
        self.folder = folder
        self.platform = platform
        self.joined = joined
        super.init()
    }

    public func code(_ text: String) { show { $0.code = text } }

    public func name(_ text: String) { show { $0.name = text } }

    public func passphrase(_ text: String) { show { $0.passphrase = text } }

    /// Reaches whoever shows the code.
    @discardableResult
    public func begin() -> Task<Void, Never> {
        let typed = shown
        guard typed.canBegin else { return Task {} }
        show { $0.connecting = true }
        return act {
            defer { self.show { $0.connecting = false } }
            let begun = try await Joining.begin(
                folder: self.folder, passphrase: typed.passphrase, code: typed.code.trimmed, name: typed.name.trimmed,
                platform: self.platform)
            guard !self.isEnded else { return try await begun.decline() }
            self.joining = begun
            self.show { $0.words = begun.words() }
        }
    }

    /// The person says whether the words are the same. The home is made only where both say so.
    @discardableResult
    public func compared(same: Bool) -> Task<Void, Never> {
        guard let asked = joining else { return Task {} }
        joining = nil
        guard same else {
            show { $0.words = [] }
            return act { try await asked.decline() }
        }
        show { $0.waiting = true }
        return act {
            defer {
                self.show {
                    $0.waiting = false
                    $0.words = []
                }
            }
            let node = try await asked.confirm()
            self.show { $0 = JoinShown() }
            await self.joined(node)
        }
    }

    /// Leaves. Where the words were not compared yet, the other side is told so.
    override public func end() {
        super.end()
        guard let asked = joining else { return }
        joining = nil
        Task { try? await asked.decline() }
    }
}
