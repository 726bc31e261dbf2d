import FirsthandCore
import Foundation
import Phones
import Testing

@MainActor
@Suite(.timeLimit(.minutes(3)))
struct KilledTests {
    /// A letter and when it was typed.
    private struct Typed {
        let letter: String
        let at: TimeInterval
    }

    /// What a process types, as it comes; a line that was cut off is left out. Ends when the process has ended.
    private func typed(through pipe: Pipe) -> AsyncStream<Typed> {
        let (stream, typing) = AsyncStream.makeStream(of: Typed.self)
        Thread.detachNewThread {
            var text = ""
            while case let data = pipe.fileHandleForReading.availableData, !data.isEmpty {
                text += String(decoding: data, as: UTF8.self)
                while let end = text.firstIndex(of: "\n") {
                    let parts = text[..<end].split(separator: " ")
                    text.removeSubrange(...end)
                    if parts.count == 2, let at = TimeInterval(parts[1]) { typing.yield(Typed(letter: String(parts[0]), at: at)) }
                }
            }
            typing.finish()
        }
        return stream
    }

    /// A process types without a pause and is killed, as a phone does it: with no warning.
    @Test(arguments: [1.3, 2.1, 3.2])
    func killedWhileTypingLosesAtMostTheLastSecond(seconds: Double) async throws {
        try await Phones.run { phones in
            let phone = try phones.phone()
            _ = try await phone.founded("Amina")
            await phone.app.shutdown()
            let writer = Process()
            writer.executableURL = Bundle.main.executableURL?.deletingLastPathComponent().appendingPathComponent("Typist")
            writer.arguments = [phone.folder.path]
            let pipe = Pipe()
            writer.standardOutput = pipe
            try writer.run()
            // Killed when so much was typed as takes that long.
            let enough = Int(seconds / 0.02)
            var killed: TimeInterval?
            var notes: [Typed] = []
            for await typed in typed(through: pipe) {
                notes.append(typed)
                guard killed == nil, notes.count >= enough else { continue }
                kill(writer.processIdentifier, SIGKILL)
                writer.waitUntilExit()
                killed = ProcessInfo.processInfo.systemUptime
            }
            let end = try #require(killed, "it ended by itself")
            let safe = notes.filter { end - $0.at > 1 }.map(\.letter).joined()
            #expect(!safe.isEmpty)
            let incidents = try await phones.phone().unlocked().node.incidents()
            let newest = try await incidents.page(filter: IncidentFilter(), limit: 1, after: nil).rows
            let narrative = try await incidents.get(id: try #require(newest.first).id).record.narrative
            #expect(narrative.hasPrefix(safe), "'\(narrative)' lacks the end of '\(safe)'")
        }
    }
}
