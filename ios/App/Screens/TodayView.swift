import FirsthandCore
import FirsthandShell
import SwiftUI

/// The person's own shift and buddy, checking in, and who is overdue.
struct TodayView: View {
    let screen: TodayScreen
    let open: @MainActor (Above) -> Void
    let lock: @MainActor () -> Void

    var body: some View {
        let shown = screen.shown
        Page(Texts.todayTitle, shown.problem, dismiss: screen.dismiss) {
            mine(shown)
            Main(shown.checkingIn ? Texts.todayCheckingIn : Texts.todayCheckIn) { screen.checkIn(.ok) }.disabled(shown.checkingIn)
            Plain(Texts.todayNeedSupport) { screen.checkIn(.needSupport) }.disabled(shown.checkingIn)
            if let checkedIn = shown.checkedIn { Text("✓ \(Texts.todayCheckedIn(checkedIn.clock))") }
            others(shown)
            Main(Texts.logOpen) { open(.log) }
            Plain(Texts.todayChecklists) { open(.checklists) }
            Plain(Texts.lockNow, act: lock)
            Text(Texts.todayAlertsToCome).font(.footnote)
        }
    }

    @ViewBuilder
    private func mine(_ shown: TodayShown) -> some View {
        if let mine = shown.mine {
            Framed {
                Fact(Texts.todayShift, mine.shiftTitle)
                Fact(Texts.todayRole, mine.role)
                Fact(Texts.todayBuddy, mine.buddy ?? Texts.todayNoBuddy)
            }
            switch mine.due {
            case .in(let ms): Text(Texts.todayDueIn(length(ms))).bold()
            case .late(let ms): Text("▲ \(Texts.todayLate(length(ms)))").bold()
            case .overdue(let ms): Text("▲ \(Texts.todayOverdue(length(ms)))").bold()
            case .notExpected: Text(Texts.todayNotExpected)
            }
        } else if shown.loaded {
            Text(Texts.todayNoShift)
        }
    }

    @ViewBuilder
    private func others(_ shown: TodayShown) -> some View {
        if !shown.attention.isEmpty {
            Text(Texts.todayAttention).font(.title2).bold().accessibilityAddTraits(.isHeader)
            ForEach(shown.attention, id: \.self) { BoardLineView(line: $0) }
        } else if shown.loaded {
            Text(Texts.todayNobodyElse)
        }
    }
}

/// Who is on, with whom, and how they are.
struct BoardView: View {
    let screen: BoardScreen

    var body: some View {
        let shown = screen.shown
        Page(Texts.boardTitle, shown.problem, dismiss: screen.dismiss) {
            if shown.loaded && shown.lines.isEmpty { Text(Texts.boardEmpty) }
            ForEach(shown.lines, id: \.self) { BoardLineView(line: $0) }
        }
    }
}

/// Somebody on shift: who, with whom, how they are, and when they were heard of.
struct BoardLineView: View {
    let line: BoardLine

    var body: some View {
        let isAlarming = !line.openAlarms.isEmpty || line.due.isOverdue
        Framed(alarming: isAlarming) {
            Text(apart(line.callsign.isEmpty ? line.name : "\(line.name) · \(line.callsign)")).font(.headline)
            if !line.openAlarms.isEmpty { Text("▲ \(Texts.boardAlarm)").bold() }
            if let state = line.state { Text(state.label) }
            if !line.shiftTitle.isEmpty { Text(apart("\(line.shiftTitle) · \(line.role)")) }
            if let buddy = line.buddy { Text(Texts.boardBuddy(apart(buddy))) }
            Text(line.lastMs.map { Texts.boardLast(length($0)) } ?? Texts.boardNever)
            if let due = line.due.words { Text(line.due.isOverdue ? "▲ \(due)" : due).bold() }
            if !line.note.isEmpty { Text(apart(line.note)) }
        }
        .accessibilityElement(children: .combine)
    }
}
