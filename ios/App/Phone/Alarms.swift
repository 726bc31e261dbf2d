import FirsthandCore
import FirsthandShell
import Foundation
import UserNotifications

/// Notifications, which say on a locked screen that there is something and never about whom; and the alarm that wakes the phone when
/// somebody may be overdue while the home is locked.
final class Alarms: Notifier, OverdueAlarm {
    private nonisolated static let overdue = "overdue"

    private var setting: Task<Void, Never>?

    nonisolated init() {}

    nonisolated func show(notice: Notice) {
        switch notice {
        case .alarm: Self.post("alarm", Texts.noticeAlarm, after: nil)
        // Under a name of its own: what is set for later replaces no word of what is so already.
        case .overdue: Self.post("overdue now", Texts.noticeOverdue, after: nil)
        }
    }

    func set(inMs: UInt64?) {
        // One that is still being set does not come after this one.
        setting?.cancel()
        setting = nil
        UNUserNotificationCenter.current().removePendingNotificationRequests(withIdentifiers: [Self.overdue])
        guard let inMs else { return }
        // The phone takes no interval of nothing.
        setting = Self.post(Self.overdue, Texts.noticeOverdue, after: max(1, TimeInterval(inMs) / 1_000))
    }

    @discardableResult
    private nonisolated static func post(_ name: String, _ text: String, after seconds: TimeInterval?) -> Task<Void, Never> {
        Task { @MainActor in
            let center = UNUserNotificationCenter.current()
            // Asked for when there is first something to say; a person who does not want it goes on without.
            let isAllowed = (try? await center.requestAuthorization(options: [.alert, .sound])) == true
            guard isAllowed, !Task.isCancelled else { return }
            let content = UNMutableNotificationContent()
            content.title = text
            content.sound = .default
            content.interruptionLevel = .timeSensitive
            let trigger = seconds.map { UNTimeIntervalNotificationTrigger(timeInterval: $0, repeats: false) }
            try? await center.add(UNNotificationRequest(identifier: name, content: content, trigger: trigger))
        }
    }
}
