// Just enough of VisionKit's interface to check the types of the app where there is none. Nothing of it runs.

@_exported import UIKit

public struct VNBarcodeSymbology: Hashable, Sendable {
    public static let qr = VNBarcodeSymbology()
}

public enum RecognizedItem: Sendable {
    public struct Barcode: Sendable {
        public var payloadStringValue: String? { nil }
    }
    public struct Text: Sendable {}
    case text(Text), barcode(Barcode)
}

@MainActor public protocol DataScannerViewControllerDelegate: AnyObject {
    func dataScanner(_ scanner: DataScannerViewController, didAdd added: [RecognizedItem], allItems: [RecognizedItem])
}

@MainActor public final class DataScannerViewController: UIViewController {
    public struct RecognizedDataType: Hashable, Sendable {
        public static func barcode(symbologies: [VNBarcodeSymbology] = []) -> RecognizedDataType { RecognizedDataType() }
    }
    public init(recognizedDataTypes: Set<RecognizedDataType>) { super.init() }
    public weak var delegate: (any DataScannerViewControllerDelegate)?
    public func startScanning() throws {}
    public func stopScanning() {}
}
