import FirsthandCore
import FirsthandShell
import SwiftUI

/// Size, activity, location, unit, time and equipment on one screen, what matters most first; saved as one types.
struct LogView: View {
    let screen: LogScreen
    let back: @MainActor () -> Void

    var body: some View {
        let shown = screen.shown
        Page(Texts.logTitle, shown.problem, dismiss: screen.dismiss) {
            Text(standing).accessibilityAddTraits(.updatesFrequently)
            Group {
                Field(Texts.logActivity, shown.entry.activity, lines: 2) { text in screen.edit { $0.activity = text } }
                recordings(shown)
                severity(shown.entry)
                size(shown.entry)
                place(shown)
                rest(shown.entry)
            }
            .disabled(shown.restoring)
            Main(Texts.logDone) { screen.finish() }.disabled(shown.restoring)
            Plain(Texts.commonBack, act: back)
        }
        .onChange(of: shown.finished) { if screen.shown.finished { back() } }
    }

    private var standing: String {
        switch screen.shown.saved {
        case .nothing: Texts.logEmpty
        case .typing: Texts.logTyping
        case .saved: "✓ \(Texts.logSaved(apart(screen.shown.code)))"
        case .notSaved: "▲ \(Texts.logNotSaved)"
        }
    }

    @ViewBuilder
    private func recordings(_ shown: LogShown) -> some View {
        HStack {
            Plain(Texts.logPhoto) { screen.record(.photo) }
            Plain(Texts.logVoice) { screen.record(.voice) }
        }
        .disabled(shown.attaching)
        if shown.attaching { Text(Texts.logAttaching) }
        if shown.files > 0 { Text("✓ \(Texts.incidentsFiles(shown.files))") }
        if !shown.pending.isEmpty && !shown.attaching {
            Plain(Texts.logRetryFiles(shown.pending.count)) { screen.retryFiles() }
        }
    }

    @ViewBuilder
    private func severity(_ entry: Entry) -> some View {
        Text(Texts.logSeverity).font(.title3).accessibilityAddTraits(.isHeader)
        Choices(all: Severity.all, chosen: entry.severity, label: \.label) { severity in
            // Touching what is chosen takes it back.
            screen.edit { $0.severity = $0.severity == severity ? nil : severity }
        }
    }

    @ViewBuilder
    private func size(_ entry: Entry) -> some View {
        Text(Texts.logSize).font(.title3).accessibilityAddTraits(.isHeader)
        HStack {
            Field(Texts.logFrom, entry.from, keyboard: .numberPad, spoken: Texts.logSizeFrom) { text in
                screen.edit { $0.from = text }
            }
            Field(Texts.logTo, entry.to, keyboard: .numberPad, spoken: Texts.logSizeTo) { text in screen.edit { $0.to = text } }
        }
    }

    @ViewBuilder
    private func place(_ shown: LogShown) -> some View {
        Field(Texts.logPlace, shown.entry.place) { text in screen.edit { $0.place = text } }
        if let position = shown.entry.position { Text("✓ \(position.words)") }
        if shown.findingPosition {
            Plain("\(Texts.logFinding) \(Texts.logStop)") { screen.stopFinding() }
        } else {
            Plain(Texts.logFindPosition) { screen.findPosition() }
        }
    }

    @ViewBuilder
    private func rest(_ entry: Entry) -> some View {
        Field(Texts.logUnit, entry.unit) { text in screen.edit { $0.unit = text } }
        Fact(Texts.logTime, entry.time?.time.words ?? "–")
        Plain(Texts.logTimeNow) { screen.now() }
        Field(Texts.logEquipment, entry.equipment) { text in screen.edit { $0.equipment = text } }
        Field(Texts.logDetails, entry.details, lines: 4) { text in screen.edit { $0.details = text } }
    }
}
