import FirsthandCore
import Foundation
import Testing

@MainActor
@Suite(.timeLimit(.minutes(2)))
struct JourneyTests {
    private let bytes = Data((0..<300_000).map { UInt8($0 * 31 % 251) })

    private func salute() -> Incident {
        Incident(
            title: "Men with sticks at the east gate",
            occurredStart: Occurred(time: LocalMoment(atMs: milliseconds(), offsetMinutes: 180), precision: .minute),
            place: Place(lat: 15.5527, lon: 32.5324, accuracyM: 8, source: .gps),
            severity: .moderate, narrative: "About forty men came",
            counts: [Count(what: .present, low: 35, high: 45)])
    }

    /// Journey 1.
    @Test func noSignal() async throws {
        try await Homes.run { homes in
            let node = try await homes.found()
            let saved = try await node.incidents().add(incident: salute())
            let photo = NewAttachment(path: try homes.write("photo.bin", bytes))
            let file = try await node.files().attach(incident: saved.id, file: photo, listener: nil, cancel: nil)
            #expect(file.here && file.signed)
            let end = UInt64("About forty men came".count)
            _ = try await node.incidents().splice(id: saved.id, field: "narrative", at: end, delete: 0, insert: ", shouting.")
            let detail = try await node.incidents().get(id: saved.id)
            #expect(detail.record.narrative == "About forty men came, shouting.")
            #expect(detail.reach == .onlyHere)
            #expect(detail.record.place?.accuracyM == 8)
            let copy = homes.path("copy.bin")
            _ = try await node.files().save(
                incident: saved.id, name: "photo.bin", form: .original, path: copy, listener: nil, cancel: nil)
            #expect(try Data(contentsOf: URL(fileURLWithPath: copy)) == bytes)
        }
    }

    /// Journey 2.
    @Test func twoEditors() async throws {
        try await Homes.run { homes in
            let lead = try await homes.found()
            let (other, address) = try await homes.join(lead, "Bakri")
            let narrative = "The crowd is at the gate."
            let id = try await lead.incidents().add(incident: Incident(severity: .unknown, narrative: narrative)).id
            _ = try await other.syncing().meetOnce(address: address, cancel: nil)
            let injured = { (source: String) in [Count(what: .injured, low: 2, high: 2, source: source)] }
            _ = try await lead.incidents().splice(id: id, field: "narrative", at: 0, delete: 0, insert: "At ten: ")
            let end = UInt64(narrative.count)
            _ = try await other.incidents().splice(id: id, field: "narrative", at: end, delete: 0, insert: " It grows.")
            _ = try await lead.incidents().edit(id: id, changes: Incident(severity: .moderate, counts: injured("witness")))
            _ = try await other.incidents().edit(id: id, changes: Incident(severity: .severe, counts: injured("medic")))
            _ = try await other.syncing().meetOnce(address: address, cancel: nil)
            for node in [lead, other] {
                let detail = try await node.incidents().get(id: id)
                #expect(detail.record.narrative == "At ten: \(narrative) It grows.")
                #expect(detail.record.severity == .severe)
                #expect(Set(detail.record.counts.map(\.source)) == ["medic", "witness"])
                #expect(detail.conflicts.map(\.field) == ["severity"])
            }
            let refused = try await fails { try await lead.incidents().edit(id: id, changes: Incident(severity: .minor)) }
            guard case .Refused(why: .conflict, _) = refused else { throw refused }
            let conflict = try #require(try await lead.incidents().conflicts().first)
            let pick = try #require(conflict.candidates.first { $0.value.severity == .moderate }).key
            let settled = try await lead.incidents().resolve(id: id, field: "severity", candidate: pick, note: "seen")
            #expect(settled == .counts)
            _ = try await other.syncing().meetOnce(address: address, cancel: nil)
            let after = try await other.incidents().get(id: id)
            #expect(after.conflicts.isEmpty && after.record.severity == .moderate)
        }
    }

    /// Journey 3.
    @Test func sixPhones() async throws {
        try await Homes.run { homes in
            let lead = try await homes.found()
            var phones: [(Node, String)] = []
            for name in ["Bakri", "Celia", "Deng", "Esra", "Fadi"] { phones.append(try await homes.join(lead, name)) }
            let photo = NewAttachment(path: try homes.write("photo.bin", bytes))
            for (phone, _) in phones {
                let saved = try await phone.incidents().add(incident: salute())
                _ = try await phone.files().attach(incident: saved.id, file: photo, listener: nil, cancel: nil)
            }
            for (phone, address) in phones { _ = try await phone.syncing().meet(address: address) }
            try await homes.heard("Amina").calls.until { _ -> Void? in
                let state = try await lead.syncing().state()
                for device in state.devices where device.complete {
                    #expect(device.lacks == 0 && device.filesPending == 0)
                }
                guard state.allHereComplete, state.devices.allSatisfy(\.complete) else { return nil }
                return try await lead.team().state().incidents == 5 ? () : nil
            }
            for (phone, _) in phones {
                let rows = try await phone.incidents().page(filter: IncidentFilter(), limit: 50, after: nil).rows
                #expect(rows.map(\.files) == [1, 1, 1, 1, 1])
            }
        }
    }

    /// Journey 5.
    @Test func phoneSeized() async throws {
        try await Homes.run { homes in
            let lead = try await homes.found()
            let (seized, address) = try await homes.join(lead, "Bakri")
            let name = "Zukhruf of the ninth street"
            let id = try await seized.incidents().add(incident: Incident(title: name)).id
            _ = try await seized.syncing().meetOnce(address: address, cancel: nil)
            _ = try await seized.lock()
            #expect(!seized.isOpen())
            #expect(try await fails { try await seized.incidents().get(id: id) } == .Locked(triesLeft: nil))
            let walked = FileManager.default.enumerator(at: URL(fileURLWithPath: homes.path("Bakri")), includingPropertiesForKeys: nil)
            var files = 0
            while let file = walked?.nextObject() as? URL {
                guard !file.hasDirectoryPath, let content = try? Data(contentsOf: file) else { continue }
                files += 1
                #expect(content.range(of: Data(name.utf8)) == nil, "\(file.lastPathComponent)")
            }
            #expect(files > 1)
            let device = try #require(try await lead.team().devices().first { $0.name == "Bakri" }).device
            try await lead.team().removeDevice(device: device, reason: .seized)
            _ = try await lead.incidents().add(incident: Incident(title: "After"))
            try await seized.unlock(passphrase: passphrase)
            let refused = try await fails { try await seized.syncing().meetOnce(address: address, cancel: nil) }
            guard case .NoAnswer = refused else { throw refused }
            let rows = try await seized.incidents().page(filter: IncidentFilter(), limit: 9, after: nil).rows
            #expect(rows.map(\.title) == [name])
            #expect(try await lead.incidents().get(id: id).record.title == name)
        }
    }

    /// Journey 9.
    @Test func clockOneDayAhead() async throws {
        try await Homes.run { homes in
            let day: Int64 = 24 * 60 * 60 * 1_000
            let lead = try await homes.found()
            let (ahead, address) = try await homes.join(lead, "Bakri", Platform(clock: Clock(aheadMs: day)))
            let shared = try await lead.incidents().add(incident: Incident(title: "Shared", severity: .minor)).id
            _ = try await ahead.syncing().meetOnce(address: address, cancel: nil)
            var made: [String] = []
            for number in 1...4 { made.append(try await ahead.incidents().add(incident: Incident(title: "\(number)")).id) }
            _ = try await ahead.incidents().edit(id: shared, changes: Incident(severity: .moderate))
            _ = try await lead.incidents().edit(id: shared, changes: Incident(severity: .severe))
            _ = try await ahead.syncing().meetOnce(address: address, cancel: nil)
            let conflict = try await lead.incidents().get(id: shared)
            #expect(conflict.conflicts.map(\.field) == ["severity"])
            #expect(conflict.record.severity == .severe)
            for id in made {
                let detail = try await lead.incidents().get(id: id)
                let now = milliseconds()
                let (created, estimated) = (try #require(detail.created), try #require(detail.estimated))
                #expect(abs(created.atMs - day - now) < 300_000)
                #expect(abs(estimated.atMs - now) < 300_000)
                #expect(detail.findings.contains { $0.rule == .clockSkew })
            }
        }
    }
}
