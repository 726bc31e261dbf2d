import FirsthandCore
import FirsthandShell
import SwiftUI

/// How it stands with each phone. "Everything" is said only where the core says it.
struct SyncView: View {
    let screen: SyncScreen
    let invite: @MainActor () -> Void

    var body: some View {
        let shown = screen.shown
        Page(Texts.syncTitle, shown.problem, dismiss: screen.dismiss) {
            if let sync = shown.sync { standing(sync) }
            if shown.listening != nil {
                Text(Texts.syncLooking(apart(shown.addresses.joined(separator: " · "))))
            } else {
                Main(Texts.syncLook) { screen.look() }
            }
            Field(Texts.syncAddress, shown.address, keyboard: .URL) { screen.type($0) }
            Plain(Texts.syncMeet) { screen.meet() }.disabled(shown.address.isEmpty)
            Plain(Texts.syncInvite, act: invite)
        }
    }

    @ViewBuilder
    private func standing(_ sync: SyncState) -> some View {
        if sync.devices.isEmpty {
            Text(Texts.syncNobody)
        } else {
            Text(sync.allHereComplete ? "✓ \(Texts.syncComplete)" : Texts.syncIncomplete).bold()
        }
        if sync.filesPending > 0 { Text(Texts.syncFilesPending(Int(sync.filesPending))) }
        ForEach(sync.devices, id: \.device) { DeviceView(device: $0) }
    }
}

private struct DeviceView: View {
    let device: DeviceState

    var body: some View {
        Framed {
            Text(apart(device.name)).font(.headline)
            Text(device.connected ? "● \(Texts.syncConnected)" : "○ \(Texts.syncApart)")
            if device.complete {
                Text("✓ \(Texts.syncPhoneComplete)")
            } else {
                if let has = device.has { Text(Texts.syncHas(Int(has))) }
                if let lacks = device.lacks, lacks > 0 { Text(Texts.syncLacks(Int(lacks))) }
                if let files = device.filesPending, files > 0 { Text(Texts.syncFiles(Int(files))) }
            }
            Text(device.met.map { Texts.syncLastMet(localMoment(atMs: $0).words) } ?? Texts.syncNeverMet)
        }
        .accessibilityElement(children: .combine)
    }
}

/// Inviting one person by a QR code.
struct InviteView: View {
    let screen: InviteScreen
    let back: @MainActor () -> Void

    var body: some View {
        let shown = screen.shown
        Page(Texts.joinInviteTitle, shown.problem, dismiss: screen.dismiss) {
            if let joined = shown.joined {
                Text("✓ \(Texts.joinJoined(apart(joined)))").bold()
            } else if !shown.words.isEmpty {
                CompareView(words: shown.words, answered: shown.answered) { screen.compared(same: $0) }
            } else if let code = shown.code {
                Text(Texts.joinInviteShow)
                CodeView(code: code)
            }
            Plain(Texts.commonBack, act: back)
        }
    }
}

/// Three words that two people read to each other, as large as they need.
struct CompareView: View {
    let words: [String]
    let answered: Bool
    let compared: @MainActor (Bool) -> Void

    var body: some View {
        Text(Texts.joinCompare)
        Framed {
            Text(words.joined(separator: "\n")).font(.largeTitle).accessibilityLabel(Texts.joinWords(words.joined(separator: ", ")))
        }
        if answered {
            Text(Texts.joinWaiting).bold()
        } else {
            Main(Texts.joinSame) { compared(true) }
            Plain(Texts.joinDiffer) { compared(false) }
        }
    }
}

/// Joining a team by a QR code.
struct JoinView: View {
    let screen: JoinScreen
    let back: @MainActor () -> Void
    @State private var scanning = false

    var body: some View {
        let shown = screen.shown
        Page(Texts.joinTitle, shown.problem, dismiss: screen.dismiss) {
            if !shown.words.isEmpty {
                CompareView(words: shown.words, answered: shown.waiting) { screen.compared(same: $0) }
            } else {
                Group {
                    Main(Texts.joinScan) { scanning = true }
                    Field(Texts.joinCode, shown.code) { screen.code($0) }
                    Field(Texts.joinName, shown.name) { screen.name($0) }
                    Secret(
                        label: Texts.joinPassphrase,
                        text: Binding(
                            get: { @MainActor in screen.shown.passphrase }, set: { @MainActor in screen.passphrase($0) }))
                }
                .disabled(shown.connecting)
                Main(shown.connecting ? Texts.joinConnecting : Texts.joinBegin) { screen.begin() }.disabled(!shown.canBegin)
                Plain(Texts.commonBack, act: back)
            }
        }
        .sheet(isPresented: $scanning) {
            CodeScanner { code in
                screen.code(code)
                scanning = false
            }
        }
    }
}
