import CoreImage
import SwiftUI
import VisionKit

/// The invitation as a QR code: black on white in the dark too, or cameras do not read it.
struct CodeView: View {
    let code: String

    var body: some View {
        if let image = Self.image(of: code) {
            Image(decorative: image, scale: 1)
                .interpolation(.none)
                .resizable()
                .scaledToFit()
                .padding(16)
                .background(Color.white)
                .accessibilityElement(children: .ignore)
                .accessibilityLabel(Texts.joinInviteCode)
        }
    }

    private static func image(of code: String) -> CGImage? {
        guard let filter = CIFilter(name: "CIQRCodeGenerator") else { return nil }
        filter.setValue(Data(code.utf8), forKey: "inputMessage")
        guard let image = filter.outputImage else { return nil }
        return CIContext(options: nil).createCGImage(image, from: image.extent)
    }
}

/// Scans one QR code.
struct CodeScanner: UIViewControllerRepresentable {
    let found: (String) -> Void

    func makeCoordinator() -> Coordinator { Coordinator(found) }

    func makeUIViewController(context: Context) -> DataScannerViewController {
        let scanner = DataScannerViewController(recognizedDataTypes: [.barcode(symbologies: [.qr])])
        scanner.delegate = context.coordinator
        // Without a camera the sheet stays empty; the code can be typed.
        try? scanner.startScanning()
        return scanner
    }

    func updateUIViewController(_ scanner: DataScannerViewController, context: Context) {}

    @MainActor
    final class Coordinator: NSObject, DataScannerViewControllerDelegate {
        private let found: (String) -> Void

        init(_ found: @escaping (String) -> Void) { self.found = found }

        func dataScanner(_ scanner: DataScannerViewController, didAdd added: [RecognizedItem], allItems: [RecognizedItem]) {
            for item in added {
                guard case .barcode(let code) = item, let text = code.payloadStringValue else { continue }
                scanner.stopScanning()
                return found(text)
            }
        }
    }
}
