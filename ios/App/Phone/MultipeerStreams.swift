import FirsthandCore
import Foundation
import MultipeerConnectivity

/// Meets other phones of Apple's without any network, over Bluetooth and direct Wi-Fi. What travels is the core's; this only carries
/// it, and shows others nothing but the name that the core chose for this start.
final class MultipeerStreams: NSObject, Discovery, @unchecked Sendable {
    private static let service = "firsthand-mp"
    /// How long a phone that was invited has to answer.
    private static let patience: TimeInterval = 30

    typealias Meeting = @MainActor (any PeerStream, _ dialled: Bool) async -> IncomingBytes?

    private let lock = NSLock()
    private var running: Running?
    private var meeting: Meeting?

    /// Sets who is given a stream, once there is one.
    func meet(_ meeting: @escaping Meeting) {
        lock.withLock { self.meeting = meeting }
    }

    func start(name: String, port: UInt16) throws {
        try stop()
        let started = lock.withLock {
            let started = Running(name: name, service: Self.service, patience: Self.patience, meeting: meeting)
            running = started
            return started
        }
        started.start()
    }

    func stop() throws {
        let stopped = lock.withLock {
            let stopped = running
            running = nil
            return stopped
        }
        stopped?.stop()
    }
}

/// One start: the same name for as long as it runs.
private final class Running: NSObject, @unchecked Sendable {
    private let own: MCPeerID
    private let session: MCSession
    private let advertiser: MCNearbyServiceAdvertiser
    private let browser: MCNearbyServiceBrowser
    private let patience: TimeInterval
    private let meeting: MultipeerStreams.Meeting?
    private let lock = NSLock()
    /// What arrives from each phone, in order.
    private var arriving: [MCPeerID: AsyncStream<Data>.Continuation] = [:]

    init(name: String, service: String, patience: TimeInterval, meeting: MultipeerStreams.Meeting?) {
        own = MCPeerID(displayName: name)
        // The core encrypts, and knows who is a member; this keeps others on the air from seeing even that.
        session = MCSession(peer: own, securityIdentity: nil, encryptionPreference: .required)
        advertiser = MCNearbyServiceAdvertiser(peer: own, discoveryInfo: nil, serviceType: service)
        browser = MCNearbyServiceBrowser(peer: own, serviceType: service)
        self.patience = patience
        self.meeting = meeting
        super.init()
        session.delegate = self
        advertiser.delegate = self
        browser.delegate = self
    }

    func start() {
        advertiser.startAdvertisingPeer()
        browser.startBrowsingForPeers()
    }

    func stop() {
        advertiser.stopAdvertisingPeer()
        browser.stopBrowsingForPeers()
        session.disconnect()
        let ended = lock.withLock {
            let ended = arriving.values
            arriving = [:]
            return Array(ended)
        }
        for stream in ended { stream.finish() }
    }

    /// Of two that see each other one invites: the one whose name comes first.
    private func invites(_ peer: MCPeerID) -> Bool { own.displayName < peer.displayName }

    private func connected(_ peer: MCPeerID) {
        guard let meeting else { return }
        let (arrived, arrives) = AsyncStream.makeStream(of: Data.self)
        lock.withLock { arriving[peer] = arrives }
        let stream = MultipeerStream(session: session, peer: peer)
        let dialled = invites(peer)
        Task {
            guard let incoming = await meeting(stream, dialled) else { return }
            for await bytes in arrived { try? await incoming.received(bytes: bytes) }
            try? await incoming.ended()
        }
    }

    private func gone(_ peer: MCPeerID) {
        lock.withLock { arriving.removeValue(forKey: peer) }?.finish()
    }
}

/// Sends what the core says to one phone.
private final class MultipeerStream: PeerStream, @unchecked Sendable {
    private let session: MCSession
    private let peer: MCPeerID

    init(session: MCSession, peer: MCPeerID) {
        self.session = session
        self.peer = peer
    }

    func send(bytes: Data) throws { try session.send(bytes, toPeers: [peer], with: .reliable) }

    /// The other side ends when its core has nothing more to say either; the session is shared with other phones.
    func finish() {}
}

extension Running: MCSessionDelegate {
    func session(_ session: MCSession, peer peerID: MCPeerID, didChange state: MCSessionState) {
        switch state {
        case .connected: connected(peerID)
        case .notConnected: gone(peerID)
        default: break
        }
    }

    func session(_ session: MCSession, didReceive data: Data, fromPeer peerID: MCPeerID) {
        _ = lock.withLock { arriving[peerID] }?.yield(data)
    }

    func session(_ session: MCSession, didReceive stream: InputStream, withName streamName: String, fromPeer peerID: MCPeerID) {
        stream.close()
    }

    func session(
        _ session: MCSession, didStartReceivingResourceWithName resourceName: String, fromPeer peerID: MCPeerID, with progress: Progress
    ) {
        progress.cancel()
    }

    func session(
        _ session: MCSession, didFinishReceivingResourceWithName resourceName: String, fromPeer peerID: MCPeerID, at localURL: URL?,
        withError error: (any Error)?
    ) {}
}

extension Running: MCNearbyServiceAdvertiserDelegate {
    func advertiser(
        _ advertiser: MCNearbyServiceAdvertiser, didReceiveInvitationFromPeer peerID: MCPeerID, withContext context: Data?,
        invitationHandler: @escaping (Bool, MCSession?) -> Void
    ) {
        // Whether it is a member the core finds out before it says anything.
        invitationHandler(!invites(peerID), session)
    }
}

extension Running: MCNearbyServiceBrowserDelegate {
    func browser(_ browser: MCNearbyServiceBrowser, foundPeer peerID: MCPeerID, withDiscoveryInfo info: [String: String]?) {
        if invites(peerID) { browser.invitePeer(peerID, to: session, withContext: nil, timeout: patience) }
    }

    func browser(_ browser: MCNearbyServiceBrowser, lostPeer peerID: MCPeerID) {}
}
