// Just enough of UIKit's interface to check the types of the app where there is none. Nothing of it runs.

@_exported import Foundation

public final class CGImage {}

public final class UIColor: NSObject, @unchecked Sendable {
    public class var systemBackground: UIColor { fatalError() }
}

public final class UIImage: NSObject, @unchecked Sendable {
    public func jpegData(compressionQuality: CGFloat) -> Data? { nil }
}

public enum UIKeyboardType: Int, Sendable { case `default`, numberPad, decimalPad, URL }

public enum UIAccessibility {
    @MainActor public static var isReduceMotionEnabled: Bool { false }
}

@MainActor open class UIResponder: NSObject {
    nonisolated public override init() { super.init() }
}

public enum UIModalPresentationStyle: Int, Sendable { case fullScreen, overFullScreen }

@MainActor open class UIViewController: UIResponder {
    public var modalPresentationStyle = UIModalPresentationStyle.fullScreen
    public var presentedViewController: UIViewController? { nil }
    public func present(_ controller: UIViewController, animated: Bool, completion: (() -> Void)? = nil) {}
    public func dismiss(animated: Bool, completion: (() -> Void)? = nil) {}
}

@MainActor open class UINavigationController: UIViewController {}

@MainActor public protocol UINavigationControllerDelegate: AnyObject {}

@MainActor public protocol UIImagePickerControllerDelegate: AnyObject {
    func imagePickerController(
        _ picker: UIImagePickerController, didFinishPickingMediaWithInfo info: [UIImagePickerController.InfoKey: Any])
    func imagePickerControllerDidCancel(_ picker: UIImagePickerController)
}

@MainActor public final class UIImagePickerController: UINavigationController {
    public enum SourceType: Int, Sendable { case photoLibrary, camera }
    public struct InfoKey: Hashable, Sendable {
        public static let originalImage = InfoKey()
    }
    public class func isSourceTypeAvailable(_ type: SourceType) -> Bool { false }
    public var sourceType: SourceType = .camera
    public weak var delegate: (any UIImagePickerControllerDelegate & UINavigationControllerDelegate)?
}

@MainActor public final class UIAlertAction: NSObject {
    public enum Style: Int, Sendable { case `default`, cancel, destructive }
    public convenience init(title: String?, style: Style, handler: ((UIAlertAction) -> Void)? = nil) { fatalError() }
}

@MainActor public final class UIAlertController: UIViewController {
    public enum Style: Int, Sendable { case actionSheet, alert }
    public convenience init(title: String?, message: String?, preferredStyle: Style) { fatalError() }
    public func addAction(_ action: UIAlertAction) {}
}

@MainActor public final class UIWindow: UIResponder {
    public struct Level: Sendable {
        public static let alert = Level()
    }
    public convenience init(windowScene: UIWindowScene) { fatalError() }
    public var windowLevel = Level.alert
    public var backgroundColor: UIColor?
    public var isHidden = true
    public var rootViewController: UIViewController?
}

@MainActor open class UIScene: UIResponder {
    public enum ActivationState: Int, Sendable { case unattached, foregroundActive, foregroundInactive, background }
    public var activationState: ActivationState { .unattached }
}

@MainActor public final class UIWindowScene: UIScene {
    public var keyWindow: UIWindow? { nil }
}

public struct UIBackgroundTaskIdentifier: Hashable, Sendable {
    public static let invalid = UIBackgroundTaskIdentifier()
}

@MainActor public final class UIApplication: UIResponder {
    public class var shared: UIApplication { fatalError() }
    public var connectedScenes: Set<UIScene> { [] }
    public func beginBackgroundTask(expirationHandler: (@MainActor @Sendable () -> Void)? = nil) -> UIBackgroundTaskIdentifier { .invalid }
    public func endBackgroundTask(_ identifier: UIBackgroundTaskIdentifier) {}
}
