import FirsthandCore
import Foundation

/// What a recording is of.
public enum Recording: Sendable {
    case photo, voice
}

/// Lends the phone's camera or microphone.
@MainActor
public protocol Recorder: AnyObject, Sendable {
    /// Records into a new file in a folder and gives it; nothing where the person thought better of it.
    func record(_ kind: Recording, into folder: URL) async throws -> URL?
}

/// Wakes the phone when somebody may be overdue while the home is locked. It knows no names.
@MainActor
public protocol OverdueAlarm: AnyObject, Sendable {
    /// In so many milliseconds; nothing takes it back.
    func set(inMs: UInt64?)
}

/// What the screens need of the phone beside the core's own ports.
public struct Shell: Sendable {
    /// The time of day as the phone shows it.
    public var now: @Sendable () -> LocalMoment
    public var recorder: any Recorder
    /// Where a recording waits until the core has sealed it; private to the app and outside backups.
    public var recordings: URL
    public var overdueAlarm: any OverdueAlarm
    /// Ticks now and then, so that "5 minutes ago" stays true. Each call gives a stream of its own.
    public var ticks: @Sendable () -> AsyncStream<Void>
    /// Where other phones on the local network reach this one; without a port the system chooses one.
    public var listenAt = "0.0.0.0:0"
    /// The language of the screens, such as `ar`.
    public var language: @Sendable () -> String = { "en" }
    /// How long a position is waited for.
    public var positionMs: UInt64 = 30_000

    public init(
        now: @escaping @Sendable () -> LocalMoment,
        recorder: any Recorder,
        recordings: URL,
        overdueAlarm: any OverdueAlarm,
        ticks: @escaping @Sendable () -> AsyncStream<Void>
    ) {
        self.now = now
        self.recorder = recorder
        self.recordings = recordings
        self.overdueAlarm = overdueAlarm
        self.ticks = ticks
    }
}
