// Just enough of Network's interface, and of what Foundation has of Bonjour, to check the types of the app where there is none. Nothing
// of it runs.

@_exported import Foundation

public final class NetService: NSObject, @unchecked Sendable {
    public init(domain: String, type: String, name: String, port: Int32) {}
    public func publish() {}
    public func stop() {}
}

public final class NWParameters: @unchecked Sendable {
    public class var tcp: NWParameters { fatalError() }
}

public final class NWInterface: Hashable, @unchecked Sendable {
    public static func == (one: NWInterface, other: NWInterface) -> Bool { false }
    public func hash(into hasher: inout Hasher) {}
}

public struct IPv4Address: Hashable, Sendable {}
public struct IPv6Address: Hashable, Sendable {}

public enum NWEndpoint: Hashable, Sendable {
    public enum Host: Hashable, Sendable { case name(String, NWInterface?), ipv4(IPv4Address), ipv6(IPv6Address) }
    public struct Port: Hashable, Sendable {
        public let rawValue: UInt16
    }
    case hostPort(host: Host, port: Port)
    case service(name: String, type: String, domain: String, interface: NWInterface?)
    case unix(path: String)
}

public struct NWPath: Sendable {
    public let remoteEndpoint: NWEndpoint?
}

public enum NWError: Error { case posix(Int32) }

public final class NWConnection: @unchecked Sendable {
    public enum State: Sendable { case setup, waiting(NWError), preparing, ready, failed(NWError), cancelled }
    public init(to endpoint: NWEndpoint, using parameters: NWParameters) {}
    public var stateUpdateHandler: (@Sendable (State) -> Void)?
    public var currentPath: NWPath? { nil }
    public func start(queue: DispatchQueue) {}
    public func cancel() {}
}

public final class NWBrowser: @unchecked Sendable {
    public enum Descriptor: Sendable { case bonjour(type: String, domain: String?) }
    public struct Result: Hashable, Sendable {
        public enum Change: Hashable, Sendable { case identical, added(Result), removed(Result) }
        public let endpoint: NWEndpoint
    }
    public init(for descriptor: Descriptor, using parameters: NWParameters) {}
    public var browseResultsChangedHandler: (@Sendable (Set<Result>, Set<Result.Change>) -> Void)?
    public func start(queue: DispatchQueue) {}
    public func cancel() {}
}
