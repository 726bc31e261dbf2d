import AVFoundation
import FirsthandShell
import UIKit

/// The phone's camera and microphone. What they give goes into a file of the app's own and never into the phone's photos.
final class PhoneRecorder: NSObject, Recorder {
    private struct NotThere: Error {}

    private var shooting: CheckedContinuation<UIImage?, Never>?

    nonisolated override init() { super.init() }

    func record(_ kind: Recording, into folder: URL) async throws -> URL? {
        let name = UUID().uuidString
        switch kind {
        case .photo: return try await photo(folder.appendingPathComponent("\(name).jpg"))
        case .voice: return try await voice(folder.appendingPathComponent("\(name).m4a"))
        }
    }

    private func photo(_ file: URL) async throws -> URL? {
        guard UIImagePickerController.isSourceTypeAvailable(.camera), let top = topController(), shooting == nil else { throw NotThere() }
        let camera = UIImagePickerController()
        camera.sourceType = .camera
        // Under any other style the screen behind it counts as left, and ends.
        camera.modalPresentationStyle = .overFullScreen
        camera.delegate = self
        let image = await withCheckedContinuation { continuation in
            shooting = continuation
            top.present(camera, animated: !UIAccessibility.isReduceMotionEnabled, completion: nil)
        }
        guard let image else { return nil }
        // Nearly all of what the sensor saw, at a fifth of the size.
        guard let bytes = image.jpegData(compressionQuality: 0.9) else { throw NotThere() }
        try bytes.write(to: file, options: .completeFileProtection)
        return file
    }

    private func voice(_ file: URL) async throws -> URL? {
        guard await AVAudioApplication.requestRecordPermission(), let top = topController() else { throw NotThere() }
        let audio = AVAudioSession.sharedInstance()
        try audio.setCategory(.record)
        try audio.setActive(true)
        let settings: [String: Any] = [AVFormatIDKey: kAudioFormatMPEG4AAC, AVSampleRateKey: 44_100, AVNumberOfChannelsKey: 1]
        let recorder = try AVAudioRecorder(url: file, settings: settings)
        guard recorder.record() else { throw NotThere() }
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let running = UIAlertController(title: Texts.logRecording, message: nil, preferredStyle: .alert)
            running.addAction(UIAlertAction(title: Texts.logStop, style: .default) { _ in continuation.resume() })
            top.present(running, animated: !UIAccessibility.isReduceMotionEnabled, completion: nil)
        }
        recorder.stop()
        try audio.setActive(false)
        return file
    }

    private func topController() -> UIViewController? {
        let scenes = UIApplication.shared.connectedScenes.compactMap { $0 as? UIWindowScene }
        var top = scenes.first { $0.activationState == .foregroundActive }?.keyWindow?.rootViewController
        while let next = top?.presentedViewController { top = next }
        return top
    }
}

extension PhoneRecorder: UIImagePickerControllerDelegate, UINavigationControllerDelegate {
    func imagePickerController(
        _ picker: UIImagePickerController, didFinishPickingMediaWithInfo info: [UIImagePickerController.InfoKey: Any]
    ) {
        ended(picker, info[.originalImage] as? UIImage)
    }

    func imagePickerControllerDidCancel(_ picker: UIImagePickerController) { ended(picker, nil) }

    private func ended(_ picker: UIImagePickerController, _ image: UIImage?) {
        picker.dismiss(animated: !UIAccessibility.isReduceMotionEnabled, completion: nil)
        shooting?.resume(returning: image)
        shooting = nil
    }
}
