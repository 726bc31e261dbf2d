import FirsthandCore
import Foundation
import Phones
import Testing

@testable import FirsthandShell

@MainActor
@Suite(.timeLimit(.minutes(2)))
struct HomeTests {
    /// A key store that refuses when it is told to.
    private final class Vault: KeyVault, @unchecked Sendable {
        private let lock = NSLock()
        private var refusal: (any Error)?

        func refuse(_ error: (any Error)?) { lock.withLock { refusal = error } }

        func secret() throws -> Data? {
            if let error = lock.withLock({ refusal }) { throw error }
            return Data(0..<32)
        }

        func installation() -> Data { Data(count: 16) }
    }

    private struct Unexpected: Error {}

    @Test func aPhoneWithoutAHomeAsksToJoin() async throws {
        try await Phones.run { phones in
            let phone = try phones.phone()
            #expect(phone.app.door == .noHome)
        }
    }

    @Test func aVaultThatRefusesSaysWhatToDo() async throws {
        try await Phones.run { phones in
            let vault = Vault()
            let phone = try phones.phone(ports: Platform(vault: vault))
            _ = try await phone.founded("Amina")
            await phone.app.lock().value
            let refusals: [(any Error, Trouble)] = [
                (PortError.Unavailable, .keyStore), (PortError.Gone, .keyStoreGone), (Unexpected(), .keyStore),
            ]
            for (refusal, trouble) in refusals {
                vault.refuse(refusal)
                await phone.app.unlock(passphrase).value
                #expect(phone.app.door == .locked(triesLeft: nil, problem: Problem(trouble)))
            }
            vault.refuse(nil)
            _ = try await phone.unlocked()
        }
    }

    @Test func aWrongPassphraseCounts() async throws {
        try await Phones.run { phones in
            let phone = try phones.phone()
            _ = try await phone.founded("Amina")
            await phone.app.lock().value
            await phone.app.unlock("wrong").value
            #expect(phone.app.door == .locked(triesLeft: 9, problem: nil))
            _ = try await phone.unlocked()
        }
    }

    @Test func aHomeThatVanishesIsSaid() async throws {
        try await Phones.run { phones in
            let phone = try phones.phone()
            _ = try await phone.founded("Amina")
            try FileManager.default.removeItem(at: phone.homeFolder)
            await phone.app.lock().value
            await phone.app.unlock(passphrase).value
            #expect(phone.app.door == .locked(triesLeft: nil, problem: Problem(.homeFailed)))
        }
    }

    @Test func aHomeThatAnotherProcessHoldsIsSaid() async throws {
        try await Phones.run { phones in
            let phone = try phones.phone()
            _ = try await phone.founded("Amina")
            let second = Phone(in: phone.folder)
            #expect(second.app.door == .locked)
            await second.app.unlock(passphrase).value
            #expect(second.app.door == .locked(triesLeft: nil, problem: Problem(.inUse)))
        }
    }

    @Test func lockingWhileItOpensLocksIt() async throws {
        try await Phones.run { phones in
            let phone = try phones.phone()
            let home = try await phone.founded("Amina")
            await phone.app.lock().value
            let opening = phone.app.unlock(passphrase)
            try await until { phone.app.door == .opening }
            await phone.app.lock().value
            await opening.value
            #expect(phone.app.door == .locked)
            #expect(!home.node.isOpen())
        }
    }

    @Test func lockingHidesEverything() async throws {
        try await Phones.run { phones in
            let phone = try phones.phone()
            let home = try await phone.founded("Amina")
            let saved = try await home.node.incidents().add(incident: Incident(title: "A name in a title"))
            let detail = home.incident(saved.id)
            try await until { detail.shown.detail != nil }
            try await until { home.incidents.shown.rows.count == 1 }
            try await until { home.sync.shown.sync != nil }
            try await until { home.today.shown.loaded && home.board.shown.loaded && home.checklists.shown.loaded }
            let locking = phone.app.lock()
            // Before anything is waited for, nothing is on the screen.
            #expect(phone.app.door == .locked)
            await locking.value
            #expect(detail.shown == IncidentShown())
            #expect(home.incidents.shown == IncidentsShown())
            #expect(home.sync.shown == SyncShown())
            #expect(home.today.shown == TodayShown())
            #expect(home.board.shown == BoardShown())
            #expect(home.checklists.shown == ChecklistShown())
            #expect(!home.node.isOpen())
            // A touch that was still on its way shows nothing of the home that was left.
            await home.today.checkIn(.ok).value
            #expect(home.today.shown == TodayShown())
        }
    }

    @Test func aScreenThatWasLeftIsForgotten() async throws {
        try await Phones.run { phones in
            let phone = try phones.phone()
            let home = try await phone.founded("Amina")
            let id = try await home.node.incidents().add(incident: Incident(title: "Seen")).id
            var screen: IncidentScreen? = home.incident(id)
            weak var left: IncidentScreen? = screen
            try await until { left?.shown.detail != nil }
            screen?.end()
            screen = nil
            // Another one takes its place, and what listened for it lets it go.
            let next = home.incident(id)
            try await until { next.shown.detail != nil }
            // What was cancelled ends when its turn comes.
            while left != nil {
                try Task.checkCancellation()
                await Task.yield()
            }
        }
    }

    @Test func theShiftTheBuddyAndACheckIn() async throws {
        try await Phones.run { phones in
            let phone = try phones.phone()
            let home = try await phone.founded("Amina")
            let today = home.today
            try await until { today.shown.loaded }
            #expect(today.shown.mine == nil)
            let me = try await home.node.team().state().me
            let now = wallClock()
            let moment = { (minutes: Int64) in
                LocalMoment(atMs: now.atMs + minutes * 60_000, offsetMinutes: now.offsetMinutes)
            }
            let roster = home.node.roster()
            let shift = Shift(
                title: "Morning", start: moment(-60), end: moment(60), checkInRule: CheckInRule(everyMin: 30, graceMin: 5))
            let id = try await roster.addShift(shift: shift).id
            _ = try await roster.assign(shift: id, assignment: Assignment(person: me, role: "observer"))
            _ = try await roster.moveOn(shift: id, status: .active)
            try await until { today.shown.mine != nil }
            #expect(today.shown.mine?.shiftTitle == "Morning")
            let first = today.checkIn(.ok)
            // A second touch does nothing more.
            await today.checkIn(.needSupport).value
            #expect(today.shown.checkingIn)
            await first.value
            #expect(today.shown.mine?.state == .ok)
            #expect(today.shown.checkedIn != nil && today.shown.problem == nil && !today.shown.checkingIn)
            try await until { !home.board.shown.lines.isEmpty }
            #expect(home.board.shown.lines.map(\.name) == ["Amina"])
            // Locked, the phone still knows when it is overdue, and nothing else.
            await phone.app.lock().value
            let alarm = phone.alarm.set.last ?? nil
            #expect(alarm.map { (1...35 * 60_000).contains($0) } == true)
            _ = try await phone.unlocked()
            #expect(phone.alarm.set.last == .some(nil))
        }
    }

}
