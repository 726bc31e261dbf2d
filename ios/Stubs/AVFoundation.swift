// Just enough of AVFoundation's interface to check the types of the app where there is none. Nothing of it runs.

@_exported import Foundation

public let AVFormatIDKey = "", AVSampleRateKey = "", AVNumberOfChannelsKey = ""
public let kAudioFormatMPEG4AAC: UInt32 = 0

public final class AVAudioApplication: NSObject {
    public class func requestRecordPermission() async -> Bool { false }
}

public final class AVAudioSession: NSObject, @unchecked Sendable {
    public struct Category: Sendable {
        public static let record = Category()
    }
    public class func sharedInstance() -> AVAudioSession { fatalError() }
    public func setCategory(_ category: Category) throws {}
    public func setActive(_ active: Bool) throws {}
}

public final class AVAudioRecorder: NSObject {
    public init(url: URL, settings: [String: Any]) throws {}
    public func record() -> Bool { false }
    public func stop() {}
}
