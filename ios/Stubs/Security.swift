// Just enough of Security's interface to check the types of the app where there is none. Nothing of it runs.

@_exported import Foundation

public typealias CFTypeRef = AnyObject
public typealias CFTypeID = UInt
public typealias CFData = Data
public typealias CFDictionary = [CFString: Any]
public final class CFError {}
public struct CFString: Hashable, Sendable {}

public final class SecKey {}
public final class SecAccessControl {}
public final class SecRandom: Sendable {}

public struct SecKeyAlgorithm: Sendable {
    public static let eciesEncryptionCofactorVariableIVX963SHA256AESGCM = SecKeyAlgorithm()
}

public struct SecAccessControlCreateFlags: OptionSet, Sendable {
    public let rawValue: UInt
    public init(rawValue: UInt) { self.rawValue = rawValue }
    public static let privateKeyUsage = SecAccessControlCreateFlags(rawValue: 1)
}

public let kSecClass = CFString(), kSecClassKey = CFString(), kSecClassGenericPassword = CFString()
public let kSecAttrApplicationTag = CFString(), kSecAttrKeyType = CFString(), kSecAttrKeyTypeECSECPrimeRandom = CFString()
public let kSecAttrKeySizeInBits = CFString(), kSecAttrTokenID = CFString(), kSecAttrTokenIDSecureEnclave = CFString()
public let kSecAttrIsPermanent = CFString(), kSecAttrAccessControl = CFString(), kSecPrivateKeyAttrs = CFString()
public let kSecAttrService = CFString(), kSecAttrAccount = CFString(), kSecAttrAccessible = CFString()
public let kSecAttrAccessibleWhenUnlockedThisDeviceOnly = CFString()
public let kSecReturnRef = CFString(), kSecReturnData = CFString(), kSecValueData = CFString()
public let errSecSuccess: Int32 = 0, errSecItemNotFound: Int32 = -25300
public let kSecRandomDefault: SecRandom? = nil

public func CFGetTypeID(_ object: CFTypeRef?) -> CFTypeID { 0 }
public func SecKeyGetTypeID() -> CFTypeID { 0 }
public func SecItemCopyMatching(_ query: CFDictionary, _ result: UnsafeMutablePointer<CFTypeRef?>?) -> Int32 { 0 }
public func SecItemAdd(_ attributes: CFDictionary, _ result: UnsafeMutablePointer<CFTypeRef?>?) -> Int32 { 0 }
public func SecRandomCopyBytes(_ random: SecRandom?, _ count: Int, _ bytes: UnsafeMutableRawPointer) -> Int32 { 0 }
public func SecKeyCopyPublicKey(_ key: SecKey) -> SecKey? { nil }
public func SecKeyCreateRandomKey(_ parameters: CFDictionary, _ error: UnsafeMutablePointer<Unmanaged<CFError>?>?) -> SecKey? { nil }
public func SecKeyCreateEncryptedData(
    _ key: SecKey, _ algorithm: SecKeyAlgorithm, _ plain: CFData, _ error: UnsafeMutablePointer<Unmanaged<CFError>?>?
) -> CFData? { nil }
public func SecKeyCreateDecryptedData(
    _ key: SecKey, _ algorithm: SecKeyAlgorithm, _ sealed: CFData, _ error: UnsafeMutablePointer<Unmanaged<CFError>?>?
) -> CFData? { nil }
public func SecAccessControlCreateWithFlags(
    _ allocator: AnyObject?, _ protection: CFString, _ flags: SecAccessControlCreateFlags,
    _ error: UnsafeMutablePointer<Unmanaged<CFError>?>?
) -> SecAccessControl? { nil }
