import FirsthandCore
import Foundation
import Phones
import Testing

@testable import FirsthandShell

@MainActor
@Suite(.timeLimit(.minutes(2)))
struct LogTests {
    @Test func everythingTypedIsSavedWithoutAButton() async throws {
        try await Phones.run { phones in
            let home = try await phones.phone().founded("Amina")
            let log = home.log()
            log.edit {
                $0.activity = "Men with sticks"
                $0.details = "About forty came"
                $0.from = "35"
                $0.to = "45"
            }
            try await until { log.shown.saved == .saved }
            log.edit {
                $0.details = "About forty men came 🚶"
                $0.place = "East gate"
                $0.unit = "Blue shirts"
                $0.equipment = "Sticks"
                $0.severity = .severe
            }
            log.now()
            try await until { log.shown.saved == .saved }
            let draft = try #require(log.draft)
            let record = try await home.node.incidents().get(id: draft).record
            #expect(record.narrative == "About forty men came 🚶")
            #expect(record.title == "Men with sticks")
            #expect(record.placeText == "East gate")
            #expect(record.counts.map(\.low) == [35] && record.counts.map(\.high) == [45])
            #expect(record.actors.map(\.groupLabel) == ["Blue shirts"])
            #expect(record.weaponsSeen.map(\.kind) == ["Sticks"])
            #expect(record.severity == .severe && record.occurredStart != nil)
            #expect(record.status == .draft)
            await log.finish().value
            #expect(log.shown.finished)
            #expect(try await home.node.incidents().get(id: draft).record.status == .open)
        }
    }

    @Test func whatIsTakenAwayAndCorrectedIsSavedToo() async throws {
        try await Phones.run { phones in
            let home = try await phones.phone().founded("Amina")
            let log = home.log()
            var first = Entry()
            first.activity = "A"
            first.details = "Some words"
            first.from = "3"
            first.unit = "Group"
            first.severity = .minor
            var corrected = first
            corrected.from = "30"
            var rest = Entry()
            rest.details = "words"
            for entry in [first, corrected, rest] {
                log.edit { $0 = entry }
                #expect(await log.flush())
                let again = try await Draft(home.node.incidents()).restore(try #require(log.draft))
                #expect(again == entry)
            }
        }
    }

    @Test func aFieldThatIsRefusedKeepsNoOtherFromBeingSaved() async throws {
        try await Phones.run { phones in
            let home = try await phones.phone().founded("Amina")
            let log = home.log()
            log.edit {
                $0.activity = String(repeating: "x", count: 121)
                $0.details = "Kept"
            }
            try await until { log.shown.saved == .notSaved }
            #expect(log.shown.problem == Problem(.invalid, fields: ["title"]))
            #expect(try await home.node.incidents().get(id: try #require(log.draft)).record.narrative == "Kept")
            log.edit { $0.activity = "Short" }
            try await until { log.shown.saved == .saved }
            #expect(log.shown.problem == nil)
        }
    }

    @Test func halfEnteredTextOutlivesTheProcess() async throws {
        try await Phones.run { phones in
            let phone = try phones.phone()
            let log = try await phone.founded("Amina").log()
            log.edit { $0.details = "Half a sen" }
            try await until { log.shown.saved == .saved }
            let kept = try #require(log.draft)
            await phone.app.shutdown()
            let home = try await phones.phone().unlocked()
            let restored = home.log(draft: kept)
            #expect(restored.shown.restoring)
            // Typing waits until what was saved has been read.
            restored.edit { $0.details = "too early" }
            try await until { !restored.shown.restoring }
            #expect(restored.shown.entry.details == "Half a sen")
            restored.edit { $0.details += "tence" }
            #expect(await restored.flush())
            #expect(try await home.node.incidents().get(id: kept).record.narrative == "Half a sentence")
            #expect(try await home.node.incidents().page(filter: IncidentFilter(), limit: 9, after: nil).rows.count == 1)
        }
    }

    @Test func lockingSavesWhatWasJustTyped() async throws {
        try await Phones.run { phones in
            let phone = try phones.phone()
            let log = try await phone.founded("Amina").log()
            log.edit { $0.details = "The last word" }
            #expect(log.shown.saved == .typing)
            await phone.app.lock().value
            #expect(log.shown == LogShown())
            let incidents = try await phone.unlocked().node.incidents()
            let rows = try await incidents.page(filter: IncidentFilter(), limit: 9, after: nil).rows
            #expect(try await incidents.get(id: try #require(rows.first).id).record.narrative == "The last word")
        }
    }

    @Test func aHomeThatIsLockedWhileOneTypesIsSaid() async throws {
        try await Phones.run { phones in
            let phone = try phones.phone()
            let log = try await phone.founded("Amina").log()
            log.edit { $0.details = "Before" }
            #expect(await log.flush())
            _ = try await phone.home().node.lock()
            log.edit { $0.details = "After" }
            #expect(await !log.flush())
            #expect(log.shown.problem == Problem(.locked))
            // What was typed stays on the screen.
            #expect(log.shown.entry.details == "After")
        }
    }

    /// A location port that never answers, and says when the core stops to wait for it.
    private final class Nowhere: Location {
        let (stopped, stopping) = AsyncStream.makeStream(of: Void.self)

        func position() async throws -> Position {
            defer { stopping.yield() }
            let (never, _keepsOpen) = AsyncStream.makeStream(of: Position.self)
            defer { _keepsOpen.finish() }
            for await position in never { return position }
            throw PortError.Unavailable
        }
    }

    @Test func aPositionThatNeverComesStopsNobody() async throws {
        try await Phones.run { phones in
            let nowhere = Nowhere()
            let phone = try phones.phone(ports: Platform(location: nowhere), positionMs: 200)
            let home = try await phone.founded("Amina")
            let log = home.log()
            let finding = log.findPosition()
            log.edit { $0.place = "By the well" }
            await finding.value
            #expect(log.shown.problem == Problem(.noPosition) && !log.shown.findingPosition)
            var stopped = nowhere.stopped.makeAsyncIterator()
            await stopped.next()
            #expect(await log.flush())
            let record = try await home.node.incidents().get(id: try #require(log.draft)).record
            #expect(record.placeText == "By the well" && record.place == nil)
        }
    }

    @Test func whoDoesNotWantToWaitForAPositionStopsIt() async throws {
        try await Phones.run { phones in
            let nowhere = Nowhere()
            let home = try await phones.phone(ports: Platform(location: nowhere), positionMs: 3_600_000).founded("Amina")
            let log = home.log()
            let finding = log.findPosition()
            #expect(log.shown.findingPosition)
            log.stopFinding()
            await finding.value
            #expect(log.shown.problem == nil && !log.shown.findingPosition)
            // Leaving the screen stops it too.
            let again = log.findPosition()
            log.end()
            await again.value
        }
    }

    /// A location port that answers at once.
    private struct Here {
        final class Port: Location {
            func position() async throws -> Position {
                Position(lat: 15.5, lon: 32.5, accuracyM: 8, source: .gps)
            }
        }
    }

    @Test func aPositionIsSavedWithItsAccuracy() async throws {
        try await Phones.run { phones in
            let home = try await phones.phone(ports: Platform(location: Here.Port())).founded("Amina")
            let log = home.log()
            await log.findPosition().value
            #expect(await log.flush())
            let place = try await home.node.incidents().get(id: try #require(log.draft)).record.place
            #expect(place?.lat == 15.5 && place?.accuracyM == 8)
        }
    }

    @Test func aPhotoIsSealedAndNothingOfItStaysOutside() async throws {
        try await Phones.run { phones in
            let phone = try phones.phone()
            let home = try await phone.founded("Amina")
            let log = home.log()
            let bytes = Data((0..<300_000).map { UInt8($0 % 251) })
            phone.camera.gives = { folder in
                let file = folder.appendingPathComponent("photo.jpg")
                try bytes.write(to: file)
                return file
            }
            await log.record(.photo).value
            #expect(log.shown.files == 1 && log.shown.problem == nil)
            #expect(phone.recordings.isEmpty)
            let files = try await home.node.incidents().get(id: try #require(log.draft)).files
            #expect(files.map(\.byteLen) == [300_000])
            #expect(files.allSatisfy { $0.here && $0.signed })
        }
    }

    private struct InUse: Error {}

    @Test func aCameraThatGivesAnEmptyFileOrFails() async throws {
        try await Phones.run { phones in
            let phone = try phones.phone()
            let log = try await phone.founded("Amina").log()
            phone.camera.gives = { folder in
                let file = folder.appendingPathComponent("photo.jpg")
                try Data().write(to: file)
                return file
            }
            await log.record(.photo).value
            #expect(log.shown.problem == Problem(.emptyFile))
            #expect(phone.recordings.isEmpty)
            phone.camera.gives = { _ in throw InUse() }
            await log.record(.voice).value
            #expect(log.shown.problem == Problem(.noCapture) && !log.shown.attaching)
            phone.camera.gives = { _ in nil }
            await log.record(.photo).value
            #expect(log.shown.problem == nil && log.shown.files == 0)
            log.edit { $0.details = "All the same" }
            #expect(await log.flush())
        }
    }

    @Test func aRecordingWhoseProcessEndedIsFoundAgain() async throws {
        try await Phones.run { phones in
            let phone = try phones.phone()
            try FileManager.default.createDirectory(at: phone.shell.recordings, withIntermediateDirectories: true)
            try Data(repeating: 7, count: 1_000).write(to: phone.shell.recordings.appendingPathComponent("left.jpg"))
            let log = try await phone.founded("Amina").log()
            try await until { log.shown.pending.count == 1 }
            await log.retryFiles().value
            #expect(log.shown.files == 1 && log.shown.pending.isEmpty)
            #expect(phone.recordings.isEmpty)
        }
    }

    @Test func aRecordingThatCannotBeSavedWaits() async throws {
        try await Phones.run { phones in
            let phone = try phones.phone()
            let home = try await phone.founded("Amina")
            let log = home.log()
            phone.camera.gives = { folder in
                let file = folder.appendingPathComponent("photo.jpg")
                try Data([1, 2, 3]).write(to: file)
                return file
            }
            _ = try await home.node.lock()
            await log.record(.photo).value
            #expect(log.shown.problem == Problem(.locked))
            #expect(log.shown.pending.map(\.lastPathComponent) == ["photo.jpg"])
            try await home.node.unlock(passphrase: passphrase)
            await log.retryFiles().value
            #expect(log.shown.files == 1 && log.shown.pending.isEmpty && phone.recordings.isEmpty)
        }
    }
}
