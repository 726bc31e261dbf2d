import FirsthandCore
import Foundation
import Testing

@MainActor
@Suite(.timeLimit(.minutes(3)))
struct LibraryTests {
    @Test func fieldsAreNamed() async throws {
        try await Homes.run { homes in
            let node = try await homes.found()
            let bad = Incident(title: String(repeating: "x", count: 121), place: Place(lat: 91, lon: 120, source: .gps))
            guard case .Invalid(let fields) = try await fails({ try await node.incidents().add(incident: bad) }) else {
                throw NotFailed()
            }
            let rules = Dictionary(uniqueKeysWithValues: fields.map { ($0.field, $0.rule) })
            #expect(rules == ["title": .tooLong, "place.lat": .latitudeOutOfRange])
            guard case .Invalid(let id) = try await fails({ try await node.incidents().get(id: "no id") }) else {
                throw NotFailed()
            }
            #expect(id.map(\.field) == ["id"])
            let absent = String(repeating: "00", count: 16)
            guard case .Refused(why: .notFound, _) = try await fails({ try await node.incidents().get(id: absent) }) else {
                throw NotFailed()
            }
        }
    }

    @Test func lockUnlockAndClosedTwice() async throws {
        try await Homes.run { homes in
            let node = try await homes.found()
            let id = try await node.incidents().add(incident: Incident(title: "Kept")).id
            _ = try await node.lock()
            _ = try await node.lock()
            #expect(try await fails { try await node.unlock(passphrase: "wrong") } == .Locked(triesLeft: 9))
            try await node.unlock(passphrase: passphrase)
            #expect(try await node.incidents().get(id: id).record.title == "Kept")
            let again = { @MainActor @Sendable in
                try await Node.open(folder: homes.path("Amina"), passphrase: passphrase, platform: Platform())
            }
            #expect(try await fails(again) == .InUse)
            try await node.shutdown()
            #expect(try await fails { try await node.shutdown() } == .Locked(triesLeft: nil))
            #expect(try await fails { try await node.unlock(passphrase: passphrase) } == .Locked(triesLeft: nil))
            _ = homes.keep(try await again())
        }
    }

    @Test func cancellingStopsLongWork() async throws {
        final class Listener: ProgressListener {
            let cancel = CancelToken()
            func progress(done: UInt64, total: UInt64) { cancel.cancel() }
        }
        try await Homes.run { homes in
            let node = try await homes.found()
            let id = try await node.incidents().add(incident: Incident(title: "Long film")).id
            let film = NewAttachment(path: try homes.write("film.mp4", Data((0..<(4 << 20)).map { UInt8($0 * 31 % 256) })))
            let listener = Listener()
            let error = try await fails {
                try await node.files().attach(incident: id, file: film, listener: listener, cancel: listener.cancel)
            }
            #expect(error == .Cancelled)
            #expect(try await node.incidents().get(id: id).files.isEmpty)
        }
    }

    /// Swift's own cancellation does not reach the core: what was begun is finished.
    @Test func aCancelledTaskLosesNothing() async throws {
        try await Homes.run { homes in
            let node = try await homes.found()
            let incidents = node.incidents()
            let tasks = (0..<20).map { number in
                Task { _ = try await incidents.add(incident: Incident(title: "\(number)")) }
            }
            // Each hands its work over before it waits, and is cancelled while it does.
            for task in tasks {
                task.cancel()
                try await task.value
            }
            #expect(try await incidents.page(filter: IncidentFilter(), limit: 50, after: nil).rows.count == 20)
        }
    }

    private struct Unexpected: Error {}

    private final class NoClock: PlatformClock {
        func now() throws -> LocalMoment { throw Unexpected() }
        func uptime() throws -> Uptime? { throw PortError.Failed }
    }

    private final class NoNotifications: Notifier {
        let shown = Watched<[Notice]>([])

        func show(notice: Notice) throws {
            shown.change { $0.append(notice) }
            throw Unexpected()
        }
    }

    @Test func portsThatThrow() async throws {
        try await Homes.run { homes in
            let (observer, notifier) = (Collector(throwing: Unexpected()), NoNotifications())
            let node = try await homes.found("Amina", Platform(clock: NoClock(), observer: observer, notifier: notifier))
            _ = try await node.incidents().add(incident: Incident(title: "All the same"))
            let heard = try await observer.calls.until { $0.isEmpty ? nil : $0.count }
            _ = try await node.roster().checkIn(checkIn: CheckIn(state: .needSupport))
            #expect(try await notifier.shown.until { $0.first } == .alarm)
            try await observer.calls.until { $0.count > heard ? () : nil }
        }
    }

    private final class Listener: IncidentListListener {
        struct Heard: Sendable {
            var rows: [IncidentItem] = []
            var end: ApiError?
        }

        let heard = Watched(Heard())

        func changed(changes: [ListChange]) {
            heard.change { heard in
                for change in changes {
                    switch change {
                    case .inserted(let at, let row): heard.rows.insert(row, at: Int(at))
                    case .removed(let at): heard.rows.remove(at: Int(at))
                    case .updated(let at, let row): heard.rows[Int(at)] = row
                    }
                }
            }
        }

        func ended(error: ApiError) { heard.change { $0.end = error } }
    }

    @Test func tenThousandIncidents() async throws {
        try await Homes.run { homes in
            let node = try await homes.found()
            let incidents = node.incidents()
            let all = (0..<10_000).map { Incident(title: "Incident \($0)") }
            #expect(try await incidents.importAll(incidents: all, listener: nil, cancel: nil).added == 10_000)
            var seen: [String] = []
            var times: [Duration] = []
            var after: String?
            repeat {
                let began = ContinuousClock.now
                let page = try await incidents.page(filter: IncidentFilter(), limit: 50, after: after)
                times.append(.now - began)
                seen += page.rows.map(\.id)
                after = page.next
            } while after != nil
            #expect(Set(seen).count == 10_000)
            let median = times.sorted()[times.count / 2] / .microseconds(1)
            print("figure: a page of 50 of 10,000 through Swift, median \(Int(median)) us")
            let listener = Listener()
            let watch = try await incidents.watch(filter: IncidentFilter(), page: 50, listener: listener)
            try await listener.heard.until { $0.rows.count == 50 ? () : nil }
            #expect(try await watch.more())
            #expect(listener.heard.value.rows.map(\.id) == Array(seen.prefix(100)))
            let id = try await incidents.add(incident: Incident(title: "Newest")).id
            try await listener.heard.until { $0.rows.first?.id == id ? () : nil }
            _ = try await incidents.edit(id: id, changes: Incident(title: "Edited"))
            try await listener.heard.until { $0.rows.first?.title == "Edited" ? () : nil }
            #expect(listener.heard.value.rows.count == 100)
            _ = try await node.lock()
            #expect(try await listener.heard.until { $0.end } == .Locked(triesLeft: nil))
        }
    }
}
