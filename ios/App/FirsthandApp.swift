import FirsthandShell
import SwiftUI

@main
struct FirsthandApp: App {
    @Environment(\.scenePhase) private var phase
    @State private var parts = Parts()

    var body: some Scene {
        WindowGroup {
            ZStack {
                DoorView(app: parts.app)
                // What the phone shows of apps that were left, and keeps as a picture, is this and not a screen with names on it.
                if phase != .active { Color(uiColor: .systemBackground).ignoresSafeArea().accessibilityHidden(true) }
            }
        }
        .onChange(of: phase) {
            switch phase {
            case .active: parts.background.returned()
            case .background: parts.background.left()
            default: break
            }
        }
    }
}
