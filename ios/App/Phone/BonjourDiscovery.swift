import FirsthandCore
import Foundation
import Network

/// What a network says of another phone.
enum Sighting: Sendable {
    case here(name: String, addresses: [String])
    case gone(name: String)
}

/// Announces this phone on the local network and hears what others announce, by Bonjour: Apple gives no raw multicast to an app
/// without asking. The core dials.
final class BonjourDiscovery: NSObject, Discovery, @unchecked Sendable {
    private static let service = "_firsthand._tcp"

    private let queue = DispatchQueue(label: "firsthand.bonjour")
    private var announced: NetService?
    private var browser: NWBrowser?
    /// Connections that only ask where a phone is.
    private var asking: [String: NWConnection] = [:]
    private var told: (@MainActor (Sighting) -> Void)?

    /// Sets who is told what is found.
    func tell(_ told: @escaping @MainActor (Sighting) -> Void) {
        queue.sync { self.told = told }
    }

    func start(name: String, port: UInt16) throws {
        try stop()
        queue.sync {
            // The core listens at this port itself, so only its name is announced.
            let announced = NetService(domain: "", type: Self.service, name: name, port: Int32(port))
            self.announced = announced
            DispatchQueue.main.async { announced.publish() }
            let browser = NWBrowser(for: .bonjour(type: Self.service, domain: nil), using: .tcp)
            browser.browseResultsChangedHandler = { [weak self] _, changes in self?.changed(changes, own: name) }
            self.browser = browser
            browser.start(queue: queue)
        }
    }

    func stop() throws {
        queue.sync {
            if let announced { DispatchQueue.main.async { announced.stop() } }
            announced = nil
            browser?.cancel()
            browser = nil
            for connection in asking.values { connection.cancel() }
            asking = [:]
        }
    }

    private func changed(_ changes: Set<NWBrowser.Result.Change>, own: String) {
        for change in changes {
            switch change {
            case .added(let result): ask(result.endpoint, own: own)
            case .removed(let result):
                if case .service(let name, _, _, _) = result.endpoint { say(.gone(name: name)) }
            default: break
            }
        }
    }

    /// A service has a name; its address is known when something connects to it.
    private func ask(_ endpoint: NWEndpoint, own: String) {
        guard case .service(let name, _, _, _) = endpoint, name != own else { return }
        let connection = NWConnection(to: endpoint, using: .tcp)
        asking[name] = connection
        connection.stateUpdateHandler = { [weak self, weak connection] state in
            guard let self, let connection else { return }
            switch state {
            case .ready:
                if case .hostPort(let host, let port)? = connection.currentPath?.remoteEndpoint {
                    self.say(.here(name: name, addresses: [address(host, port)]))
                }
                connection.cancel()
            case .failed, .cancelled:
                // The same phone may have been asked again meanwhile.
                if self.asking[name] === connection { self.asking[name] = nil }
            default: break
            }
        }
        connection.start(queue: queue)
    }

    private func say(_ sighting: Sighting) {
        guard let told else { return }
        Task { @MainActor in told(sighting) }
    }
}

/// An address as the core reads it.
private func address(_ host: NWEndpoint.Host, _ port: NWEndpoint.Port) -> String {
    switch host {
    // The name of an interface behind an address means nothing to the core.
    case .ipv6(let ip): "[\("\(ip)".prefix { $0 != "%" })]:\(port.rawValue)"
    case .ipv4(let ip): "\("\(ip)".prefix { $0 != "%" }):\(port.rawValue)"
    default: "\(host):\(port.rawValue)"
    }
}
