// Just enough of CoreImage's interface to check the types of the app where there is none. Nothing of it runs.

@_exported import UIKit

public final class CIImage: NSObject {
    public var extent: CGRect { .zero }
}

public final class CIFilter: NSObject {
    public convenience init?(name: String) { nil }
    public func setValue(_ value: Any?, forKey key: String) {}
    public var outputImage: CIImage? { nil }
}

public final class CIContext: NSObject {
    public init(options: [String: Any]?) {}
    public func createCGImage(_ image: CIImage, from rectangle: CGRect) -> CGImage? { nil }
}
