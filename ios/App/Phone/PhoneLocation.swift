import CoreLocation
import FirsthandCore

/// Where the phone is, when a person asks for it; never in the background.
final class PhoneLocation: NSObject, Location, CLLocationManagerDelegate, @unchecked Sendable {
    private let lock = NSLock()
    private var manager: CLLocationManager?
    private var waiting: [CheckedContinuation<Position, any Error>] = []

    func position() async throws -> Position {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                lock.withLock { waiting.append(continuation) }
                // Its answers come on the thread that made it.
                Task { @MainActor in self.ask() }
            }
        } onCancel: {
            // The core has stopped to wait.
            answer(.failure(PortError.Unavailable))
        }
    }

    @MainActor
    private func ask() {
        let asked = manager ?? CLLocationManager()
        manager = asked
        asked.delegate = self
        asked.desiredAccuracy = kCLLocationAccuracyBest
        switch asked.authorizationStatus {
        case .notDetermined: asked.requestWhenInUseAuthorization()
        case .authorizedWhenInUse, .authorizedAlways: asked.requestLocation()
        default: answer(.failure(PortError.Unavailable))
        }
    }

    private func answer(_ result: Result<Position, any Error>) {
        let all = lock.withLock {
            let all = waiting
            waiting = []
            return all
        }
        for continuation in all { continuation.resume(with: result) }
    }

    func locationManagerDidChangeAuthorization(_ manager: CLLocationManager) {
        guard lock.withLock({ !waiting.isEmpty }) else { return }
        switch manager.authorizationStatus {
        case .notDetermined: break
        case .authorizedWhenInUse, .authorizedAlways: manager.requestLocation()
        default: answer(.failure(PortError.Unavailable))
        }
    }

    func locationManager(_ manager: CLLocationManager, didUpdateLocations locations: [CLLocation]) {
        guard let fix = locations.last, fix.horizontalAccuracy >= 0 else { return }
        let altitude = fix.verticalAccuracy > 0 ? fix.ellipsoidalAltitude : nil
        answer(
            .success(
                Position(
                    lat: fix.coordinate.latitude, lon: fix.coordinate.longitude, alt: altitude, accuracyM: fix.horizontalAccuracy,
                    source: .gps, mocked: fix.sourceInformation?.isSimulatedBySoftware ?? false,
                    fixMs: Int64(fix.timestamp.timeIntervalSince1970 * 1_000))))
    }

    func locationManager(_ manager: CLLocationManager, didFailWithError error: any Error) {
        answer(.failure(PortError.Unavailable))
    }
}
