import FirsthandCore
import FirsthandShell
import SwiftUI

/// The checklists, and one run of one of them.
struct ChecklistView: View {
    let screen: ChecklistScreen
    let back: @MainActor () -> Void

    var body: some View {
        let shown = screen.shown
        Page(Texts.checklistTitle, shown.problem, dismiss: screen.dismiss) {
            if let run = shown.run {
                RunView(screen: screen, run: run, typed: shown.typed)
                Plain(Texts.commonBack, act: screen.leave)
            } else {
                if shown.loaded && shown.lists.isEmpty { Text(Texts.checklistEmpty) }
                ForEach(shown.lists, id: \.id) { list in
                    let title = apart(list.title(in: phoneLanguage()))
                    Framed {
                        Text(title).font(.headline)
                        Text(Texts.checklistVersion(String(list.version)))
                        Plain(Texts.checklistBegin(title)) { screen.begin(list.id) }
                    }
                }
                Plain(Texts.commonBack, act: back)
            }
        }
    }
}

private struct RunView: View {
    let screen: ChecklistScreen
    let run: RunState
    let typed: [String: String]

    var body: some View {
        if run.held { Text("▲ \(Texts.checklistHeld)").bold() }
        Text(Texts.checklistProgress(String(run.done), String(run.total))).bold()
        ForEach(run.items.filter(\.relevant), id: \.itemId) { item in
            switch item.itemType {
            case .note: Text(item.label)
            case .check: tick(item)
            default: answer(item)
            }
        }
        if run.over { Text("✓ \(Texts.checklistOver)").bold() } else { Main(Texts.checklistComplete) { screen.complete() } }
    }

    /// The whole line is the target; whether it is done is said in words and with a sign.
    private func tick(_ item: RunItem) -> some View {
        Button(action: { if item.done { screen.untick(item.itemId) } else { screen.tick(item.itemId) } }) {
            Framed(alarming: item.critical && !item.done) {
                Text("\(item.done ? "☑" : "☐") \(item.label)").font(.headline)
                Text(item.done ? Texts.checklistDone : Texts.checklistOpen)
                marks(item)
            }
            .frame(minHeight: target)
        }
        .buttonStyle(.plain)
        .disabled(run.over)
        .accessibilityElement(children: .combine)
        .accessibilityAddTraits(item.done ? .isSelected : [])
    }

    private func answer(_ item: RunItem) -> some View {
        Framed {
            Text(item.label).font(.headline)
            Text(item.done ? "☑ \(Texts.checklistDone)" : "☐ \(Texts.checklistOpen)")
            marks(item)
            if let answer = item.answer { Text(apart(answer)) }
            if !run.over {
                let text = typed[item.itemId] ?? ""
                let isNumber = item.itemType == .integer || item.itemType == .decimal
                Field(Texts.checklistAnswer, text, keyboard: isNumber ? .decimalPad : .default) { screen.type(item.itemId, $0) }
                if !text.isEmpty { Plain(Texts.checklistSaveAnswer) { screen.answer(item.itemId) } }
            }
        }
    }

    @ViewBuilder
    private func marks(_ item: RunItem) -> some View {
        if item.critical { Text("▲ \(Texts.checklistCritical)").bold() } else if item.required { Text(Texts.checklistRequired) }
    }
}
