import FirsthandShell
import SwiftUI

@main
struct FirsthandApp: App {
    @Environment(\.scenePhase) private var phase
    @State private var parts = Parts()

    var body: some Scene {
        WindowGroup { DoorView(app: parts.app) }
            .onChange(of: phase) {
                if phase == .active { parts.cover.lift() } else { parts.cover.lower() }
                switch phase {
                case .active: parts.background.returned()
                case .background: parts.background.left()
                default: break
                }
            }
    }
}
