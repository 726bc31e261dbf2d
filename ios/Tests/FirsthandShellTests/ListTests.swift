import FirsthandCore
import Foundation
import Phones
import Testing

@testable import FirsthandShell

@MainActor
@Suite(.timeLimit(.minutes(2)))
struct ListTests {
    @Test func manyIncidentsComeByPagesOfFifty() async throws {
        try await Phones.run { phones in
            let home = try await phones.phone().founded("Amina")
            let incidents = home.node.incidents()
            _ = try await incidents.importAll(
                incidents: (1...120).map { Incident(title: "Incident \($0)") }, listener: nil, cancel: nil)
            let list = home.incidents
            try await until { list.shown.rows.count == 50 }
            #expect(list.shown.more)
            await list.more().value
            try await until { list.shown.rows.count == 100 }
            #expect(list.shown.more)
            await list.more().value
            try await until { list.shown.rows.count == 120 && !list.shown.more }
            _ = try await incidents.add(incident: Incident(title: "Newest"))
            try await until { list.shown.rows.first?.title == "Newest" }
            list.search("Newest")
            try await until { list.shown.rows.count == 1 }
            list.search("nothing has this word")
            // What was searched for last counts, whatever was begun before it.
            list.search("Incident 7")
            list.search("nothing has this word")
            try await until { list.shown.rows.isEmpty }
            list.search("")
            try await until { list.shown.rows.count == 50 }
            _ = try await home.node.lock()
            try await until { list.shown.problem == Problem(.locked) }
        }
    }

    /// Checklists are published on a laptop: the phone only works through them.
    @Test func aChecklistIsWorkedThrough() async throws {
        try await Phones.run { phones in
            let phone = try phones.phone()
            _ = try await phone.founded("Amina")
            await phone.app.shutdown()
            let list = phone.folder.appendingPathComponent("checkpoint.md")
            try Self.checklist.write(to: list, atomically: true, encoding: .utf8)
            try laptop(phone, "checklist", "import", list.path)
            try laptop(phone, "checklist", "publish", "checkpoint")
            let again = try phones.phone()
            let screen = try await again.unlocked().checklists
            try await until { !screen.shown.lists.isEmpty }
            await screen.begin(screen.shown.lists[0].id).value
            let run = try #require(screen.shown.run)
            #expect(run.items.map(\.label) == ["Radio works", "How many are you"])
            await screen.complete().value
            #expect(screen.shown.problem?.trouble == .invalid)
            await screen.tick(run.items[0].itemId).value
            screen.type(run.items[1].itemId, "3")
            await screen.answer(run.items[1].itemId).value
            #expect(screen.shown.run?.done == run.total)
            #expect(screen.shown.typed.isEmpty)
            await screen.untick(run.items[0].itemId).value
            #expect(screen.shown.run?.done == run.total - 1)
            // The process may end between two items.
            await again.app.shutdown()
            let third = try await phones.phone().unlocked().checklists
            await third.open(run.id).value
            await third.tick(run.items[0].itemId).value
            await third.complete().value
            #expect(third.shown.run?.over == true)
            third.leave()
            #expect(third.shown.run == nil)
        }
    }

    private static let checklist = """
        | survey |
        | | type | name | label | required |
        | | acknowledge | radio | Radio works | yes |
        | | integer | people | How many are you | yes |
        """

    /// Runs the command line on a phone's home, as a laptop does on its own.
    private func laptop(_ phone: Phone, _ arguments: String...) throws {
        let process = Process()
        let program = try #require(ProcessInfo.processInfo.environment["FIRSTHAND_PROGRAM"])
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = ["--home", phone.homeFolder.path] + arguments
        process.environment = ["FIRSTHAND_PASSPHRASE": passphrase]
        let said = Pipe()
        process.standardOutput = said
        process.standardError = said
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: said.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(text)")
    }

    @Test func titlesOfChecklistsFollowTheLanguage() {
        let item = ChecklistItem(
            id: "", templateId: "checkpoint", title: ["es": "Control", "en": "Checkpoint"], version: 1, items: 0, critical: 0,
            author: "", offered: true)
        #expect(item.title(in: "es") == "Control")
        #expect(item.title(in: "ar") == "Checkpoint")
        var bare = item
        bare.title = [:]
        #expect(bare.title(in: "es") == "checkpoint")
    }
}
