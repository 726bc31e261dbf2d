// Just enough of MultipeerConnectivity's interface to check the types of the app where there is none. Nothing of it runs.

@_exported import Foundation

public final class MCPeerID: NSObject, @unchecked Sendable {
    public init(displayName: String) {}
    public var displayName: String { "" }
}

public enum MCEncryptionPreference: Int, Sendable { case optional, required, none }
public enum MCSessionState: Int, Sendable { case notConnected, connecting, connected }
public enum MCSessionSendDataMode: Int, Sendable { case reliable, unreliable }

public protocol MCSessionDelegate: AnyObject {
    func session(_ session: MCSession, peer peerID: MCPeerID, didChange state: MCSessionState)
    func session(_ session: MCSession, didReceive data: Data, fromPeer peerID: MCPeerID)
    func session(_ session: MCSession, didReceive stream: InputStream, withName streamName: String, fromPeer peerID: MCPeerID)
    func session(
        _ session: MCSession, didStartReceivingResourceWithName resourceName: String, fromPeer peerID: MCPeerID, with progress: Progress)
    func session(
        _ session: MCSession, didFinishReceivingResourceWithName resourceName: String, fromPeer peerID: MCPeerID, at localURL: URL?,
        withError error: (any Error)?)
}

public final class MCSession: NSObject, @unchecked Sendable {
    public init(peer: MCPeerID, securityIdentity: [Any]?, encryptionPreference: MCEncryptionPreference) {}
    public weak var delegate: (any MCSessionDelegate)?
    public func send(_ data: Data, toPeers peers: [MCPeerID], with mode: MCSessionSendDataMode) throws {}
    public func disconnect() {}
}

public protocol MCNearbyServiceAdvertiserDelegate: AnyObject {
    func advertiser(
        _ advertiser: MCNearbyServiceAdvertiser, didReceiveInvitationFromPeer peerID: MCPeerID, withContext context: Data?,
        invitationHandler: @escaping (Bool, MCSession?) -> Void)
}

public final class MCNearbyServiceAdvertiser: NSObject, @unchecked Sendable {
    public init(peer: MCPeerID, discoveryInfo: [String: String]?, serviceType: String) {}
    public weak var delegate: (any MCNearbyServiceAdvertiserDelegate)?
    public func startAdvertisingPeer() {}
    public func stopAdvertisingPeer() {}
}

public protocol MCNearbyServiceBrowserDelegate: AnyObject {
    func browser(_ browser: MCNearbyServiceBrowser, foundPeer peerID: MCPeerID, withDiscoveryInfo info: [String: String]?)
    func browser(_ browser: MCNearbyServiceBrowser, lostPeer peerID: MCPeerID)
}

public final class MCNearbyServiceBrowser: NSObject, @unchecked Sendable {
    public init(peer: MCPeerID, serviceType: String) {}
    public weak var delegate: (any MCNearbyServiceBrowserDelegate)?
    public func startBrowsingForPeers() {}
    public func stopBrowsingForPeers() {}
    public func invitePeer(_ peerID: MCPeerID, to session: MCSession, withContext context: Data?, timeout: TimeInterval) {}
}
