import FirsthandShell
import SwiftUI

/// The whole app: the door, and behind it the home.
struct DoorView: View {
    let app: HomeDoor
    @State private var join: JoinScreen?

    var body: some View {
        switch app.door {
        case .open(let home):
            HomeView(app: app, home: home).onAppear { leaveJoining() }
        case .noHome, .locked, .opening:
            if let join {
                JoinView(screen: join, back: leaveJoining)
            } else {
                LockView(door: app.door, unlock: { app.unlock($0) }, join: { join = app.join() })
            }
        }
    }

    private func leaveJoining() {
        join?.end()
        join = nil
    }
}

/// Before the home is open. Nothing of the team is on it, not even its name.
struct LockView: View {
    let door: Door
    let unlock: @MainActor (String) -> Void
    let join: @MainActor () -> Void
    /// Not kept over the process: a passphrase is typed again.
    @State private var passphrase = ""

    var body: some View {
        if door == .noHome {
            Page(Texts.joinTitle) {
                Text(Texts.lockWelcome)
                Main(Texts.lockJoin, act: join)
            }
        } else {
            Page(Texts.lockTitle) {
                Text(Texts.lockExplain)
                Secret(label: Texts.lockPassphrase, text: $passphrase).disabled(door == .opening)
                if case .locked(let triesLeft, let problem) = door {
                    if let triesLeft { Text("▲ \(Texts.lockWrong(triesLeft))").bold() }
                    if let problem { Text("▲ \(problem.text)").bold() }
                }
                Main(door == .opening ? Texts.lockOpening : Texts.lockUnlock) {
                    unlock(passphrase)
                    passphrase = ""
                }
                .disabled(passphrase.isEmpty || door == .opening)
            }
        }
    }
}

/// A screen above the tabs.
enum Above: Hashable, Identifiable {
    case log
    case incident(String)
    case checklists
    case invite

    var id: Self { self }
}

/// The tabs, and what is above them.
struct HomeView: View {
    let app: HomeDoor
    let home: Home
    @State private var above: Above?
    /// All that the phone keeps of a screen over the process: the id of a draft, and no text.
    @SceneStorage("draft") private var draft = ""

    var body: some View {
        TabView {
            TodayView(screen: home.today, open: { above = $0 }, lock: { app.lock() })
                .tabItem { Label(Texts.navToday, systemImage: "sun.max") }
            IncidentsView(screen: home.incidents, open: { above = $0 })
                .tabItem { Label(Texts.navIncidents, systemImage: "list.bullet") }
            BoardView(screen: home.board).tabItem { Label(Texts.navBoard, systemImage: "person.3") }
            SyncView(screen: home.sync, invite: { above = .invite })
                .tabItem { Label(Texts.navSync, systemImage: "iphone.radiowaves.left.and.right") }
        }
        .fullScreenCover(item: $above) { AboveView(home: home, above: $0, draft: $draft, back: { above = nil }) }
        .onAppear { if !draft.isEmpty { above = .log } }
    }
}

/// Makes the screen above the tabs once, and ends it when it goes.
struct AboveView: View {
    let home: Home
    let above: Above
    @Binding var draft: String
    let back: @MainActor () -> Void
    @State private var log: LogScreen?
    @State private var incident: IncidentScreen?
    @State private var invite: InviteScreen?

    var body: some View {
        Group {
            if let log {
                LogView(screen: log, back: leaveDraft)
            } else if let incident {
                IncidentView(screen: incident, back: back)
            } else if let invite {
                InviteView(screen: invite, back: back)
            } else if above == .checklists {
                ChecklistView(screen: home.checklists, back: back)
            }
        }
        .onAppear(perform: begin)
        .onDisappear(perform: leave)
        .onChange(of: log?.shown.code) { if let begun = log?.draft { draft = begun } }
    }

    private func begin() {
        switch above {
        case .log: log = home.log(draft: draft.isEmpty ? nil : draft)
        case .incident(let id): incident = home.incident(id)
        case .invite:
            let screen = home.invite()
            screen.invite(listening: home.sync.shown.listening)
            invite = screen
        case .checklists: break
        }
    }

    /// Who goes back is done with the draft. Whom a lock interrupts goes on with it.
    private func leaveDraft() {
        draft = ""
        back()
    }

    private func leave() {
        log?.saveAndLeave()
        incident?.end()
        invite?.leave()
    }
}
