import FirsthandCore
import Foundation
import Phones
import Testing

@testable import FirsthandShell

@MainActor
@Suite(.timeLimit(.minutes(2)))
struct MeetingTests {
    /// Fills in what a person who joins types, and reaches the inviter.
    private func begun(_ phone: Phone, _ name: String, _ code: String) async -> JoinScreen {
        let join = phone.app.join()
        join.code(" \(code)\n")
        join.name(name)
        join.passphrase(passphrase)
        await join.begin().value
        return join
    }

    /// Two phones of one team, the lead first; the second one joined with both screens.
    private func team(_ phones: Phones) async throws -> (Phone, Phone) {
        let (lead, other) = (try phones.phone("lead"), try phones.phone("other"))
        let home = try await lead.founded("Amina")
        await home.sync.look().value
        let invite = home.invite()
        await invite.invite(listening: home.sync.shown.listening).value
        let join = await begun(other, "Bakri", try #require(invite.shown.code))
        #expect(join.shown.problem == nil && join.shown.words.count == 3)
        try await until { !invite.shown.words.isEmpty }
        #expect(invite.shown.words == join.shown.words)
        await invite.compared(same: true).value
        #expect(invite.shown.answered)
        await join.compared(same: true).value
        #expect(join.shown == JoinShown())
        try await until { invite.shown.joined == "Bakri" }
        await invite.leave().value
        #expect(invite.shown == InviteShown())
        return (lead, other)
    }

    @Test func joiningConflictsAndPhones() async throws {
        try await Phones.run { phones in
            let (lead, other) = try await team(phones)
            let (leadHome, otherHome) = (try lead.home(), try other.home())
            // Two people change the same field while apart.
            let ours = leadHome.node.incidents()
            let id = try await ours.add(incident: Incident(title: "Crowd", severity: .unknown)).id
            let address = try #require(leadHome.sync.shown.addresses.first)
            _ = try await otherHome.node.syncing().meetOnce(address: address, cancel: nil)
            _ = try await ours.edit(id: id, changes: Incident(severity: .moderate))
            _ = try await otherHome.node.incidents().edit(id: id, changes: Incident(severity: .severe))
            let photo = other.folder.appendingPathComponent("photo.bin")
            try Data((0..<200_000).map { UInt8($0 * 7 % 256) }).write(to: photo)
            _ = try await otherHome.node.files().attach(
                incident: id, file: NewAttachment(path: photo.path), listener: nil, cancel: nil)

            // The phones' states, until each holds everything.
            otherHome.sync.type(" \(address) ")
            await otherHome.sync.meet().value
            #expect(otherHome.sync.shown.address.isEmpty && otherHome.sync.shown.problem == nil)
            try await until { leadHome.sync.shown.sync?.allHereComplete == true }
            let device = try #require(leadHome.sync.shown.sync?.devices.first)
            #expect(device.complete && device.lacks == 0 && device.filesPending == 0)

            let screen = leadHome.incident(id)
            try await until { screen.shown.detail?.conflicts.count == 1 && screen.shown.detail?.files.count == 1 }
            let conflicted = try #require(screen.shown.detail)
            #expect(conflicted.record.severity == .severe)
            let pick = try #require(conflicted.conflicts[0].candidates.first { $0.value.severity == .moderate }).key
            await screen.resolve(field: "severity", candidate: pick).value
            #expect(screen.shown.settled == .counts)
            #expect(screen.shown.detail?.record.severity == .moderate)
            #expect(screen.shown.history.contains { $0.field == "severity" && $0.person == "Bakri" })
            // The other phone's screen follows by itself.
            let theirs = otherHome.incident(id)
            try await until { theirs.shown.detail?.conflicts.isEmpty == true && theirs.shown.detail?.record.severity == .moderate }
            // What was decided meanwhile is not decided twice.
            await screen.resolve(field: "severity", candidate: pick).value
            #expect(screen.shown.problem == Problem(.conflict))
            screen.dismiss()
            #expect(screen.shown.problem == nil)
        }
    }

    @Test func wordsThatDifferMakeNoHome() async throws {
        try await Phones.run { phones in
            let lead = try phones.phone("lead")
            let invite = try await lead.founded("Amina").invite()
            await invite.invite(listening: nil).value
            let other = try phones.phone("other")
            let join = await begun(other, "Bakri", try #require(invite.shown.code))
            try await until { !invite.shown.words.isEmpty }
            await join.compared(same: false).value
            #expect(other.app.door == .noHome)
            try await until { invite.shown.words.isEmpty }
            let again = await begun(other, "Bakri", "no invitation")
            #expect(again.shown.problem == Problem(.badCode) && !again.shown.connecting)
        }
    }

    @Test func aPersonWhoLeavesBeforeTheWordsAreComparedJoinsNothing() async throws {
        try await Phones.run { phones in
            let lead = try phones.phone("lead")
            let invite = try await lead.founded("Amina").invite()
            await invite.invite(listening: nil).value
            let other = try phones.phone("other")
            let join = await begun(other, "Bakri", try #require(invite.shown.code))
            try await until { !invite.shown.words.isEmpty }
            join.end()
            #expect(join.shown == JoinShown())
            try await until { invite.shown.words.isEmpty }
            #expect(other.app.door == .noHome)
        }
    }

    @Test func anAddressWhereNobodyIsAndOneThatIsNone() async throws {
        try await Phones.run { phones in
            let sync = try await phones.phone().founded("Amina").sync
            sync.type("127.0.0.1:1")
            await sync.meet().value
            #expect(sync.shown.problem == Problem(.noAnswer))
            #expect(sync.shown.address == "127.0.0.1:1")
        }
    }

    /// Announces and finds, as a network between two phones does.
    private final class Network: Discovery, @unchecked Sendable {
        struct Announced: Sendable {
            let name: String
            let port: UInt16
        }

        let (announced, announcing) = AsyncStream.makeStream(of: Announced.self)
        let (ended, ending) = AsyncStream.makeStream(of: Void.self)

        func start(name: String, port: UInt16) { announcing.yield(Announced(name: name, port: port)) }

        func stop() { ending.yield() }
    }

    @Test func phonesThatFindEachOtherMeet() async throws {
        try await Phones.run { phones in
            let network = Network()
            let (lead, other) = try await team(phones)
            await other.app.shutdown()
            // The other phone comes back with a network that finds.
            let back = try phones.phone("other", ports: Platform(discovery: network))
            let home = try await back.unlocked()
            await home.sync.look().value
            var announcements = network.announced.makeAsyncIterator()
            let announced = try #require(await announcements.next())
            #expect(home.sync.shown.listening == "0.0.0.0:\(announced.port)")
            await lead.app.lock().value
            let leadHome = try await lead.unlocked()
            await leadHome.sync.look().value
            await leadHome.sync.found(name: announced.name, addresses: ["127.0.0.1:\(announced.port)"]).value
            #expect(leadHome.sync.shown.problem == nil)
            try await until { leadHome.sync.shown.sync?.allHereComplete == true }
            await leadHome.sync.found(name: "not a name", addresses: []).value
            #expect(leadHome.sync.shown.problem?.trouble == .invalid)
            await back.app.lock().value
            var ends = network.ended.makeAsyncIterator()
            await ends.next()
        }
    }

    /// One end of a stream that a shell opened, as Multipeer gives it.
    private final class Stream: PeerStream, @unchecked Sendable {
        let (sent, sending) = AsyncStream.makeStream(of: Data.self)

        func send(bytes: Data) { sending.yield(bytes) }

        func finish() { sending.finish() }

        /// Carries what is sent to the other side, until it ends.
        func carry(to other: IncomingBytes) async throws -> Int {
            var carried = 0
            for await bytes in sent {
                carried += bytes.count
                try? await other.received(bytes: bytes)
            }
            try await other.ended()
            return carried
        }
    }

    @Test func aStreamOfTheShellCarriesAMeeting() async throws {
        try await Phones.run { phones in
            let (lead, other) = try await team(phones)
            let (leadHome, otherHome) = (try lead.home(), try other.home())
            let id = try await leadHome.node.incidents().add(incident: Incident(title: "Over Bluetooth")).id
            let (there, back) = (Stream(), Stream())
            let accepted = try #require(await otherHome.sync.meet(over: back, dialled: false))
            let dialled = try #require(await leadHome.sync.meet(over: there, dialled: true))
            async let outward = there.carry(to: accepted)
            async let homeward = back.carry(to: dialled)
            try await until { leadHome.sync.shown.sync?.allHereComplete == true }
            #expect(try await otherHome.node.incidents().get(id: id).record.title == "Over Bluetooth")
            // The radio breaks off: both meetings end, and each side closes its stream.
            try await dialled.ended()
            #expect(try await outward > 0)
            #expect(try await homeward > 0)
            try await until { leadHome.sync.shown.sync?.devices.first?.connected == false }
        }
    }
}
