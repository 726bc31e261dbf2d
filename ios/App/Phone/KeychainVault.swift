import FirsthandCore
import Foundation
import Security

/// The secret that the phone keeps: 32 random bytes, wrapped by a key that never leaves the Secure Enclave and works only while the
/// phone is unlocked. What is done with the secret is the core's.
final class KeychainVault: KeyVault, @unchecked Sendable {
    private static let tag = Data("firsthand.secret".utf8)
    private static let wrapping = SecKeyAlgorithm.eciesEncryptionCofactorVariableIVX963SHA256AESGCM
    private static let secretBytes = 32
    private static let numberBytes = 16

    /// Two that ask at once must not each make a secret.
    private let lock = NSLock()

    func secret() throws -> Data? {
        try lock.withLock {
            guard let wrapped = try read("secret") else { return try newSecret() }
            // Without its key the secret is lost: the phone was restored, or its passcode was taken away.
            guard let key = try enclaveKey() else { throw PortError.Gone }
            var failure: Unmanaged<CFError>?
            guard let secret = SecKeyCreateDecryptedData(key, Self.wrapping, wrapped as CFData, &failure) else {
                // A phone that is locked refuses for now; so does anything else that another try may mend.
                failure?.release()
                throw PortError.Unavailable
            }
            return secret as Data
        }
    }

    func installation() throws -> Data {
        try lock.withLock {
            if let number = try read("installation") { return number }
            let number = try random(Self.numberBytes)
            try add("installation", number)
            return number
        }
    }

    private func newSecret() throws -> Data {
        let key = try enclaveKey() ?? makeEnclaveKey()
        let secret = try random(Self.secretBytes)
        var failure: Unmanaged<CFError>?
        guard let open = SecKeyCopyPublicKey(key),
            let wrapped = SecKeyCreateEncryptedData(open, Self.wrapping, secret as CFData, &failure)
        else {
            failure?.release()
            throw PortError.Failed
        }
        try add("secret", wrapped as Data)
        return secret
    }

    private func enclaveKey() throws -> SecKey? {
        let query: [CFString: Any] = [
            kSecClass: kSecClassKey, kSecAttrApplicationTag: Self.tag, kSecAttrKeyType: kSecAttrKeyTypeECSECPrimeRandom,
            kSecReturnRef: true,
        ]
        guard let found = try copy(query) else { return nil }
        guard CFGetTypeID(found) == SecKeyGetTypeID() else { throw PortError.Failed }
        return unsafeDowncast(found, to: SecKey.self)
    }

    private func makeEnclaveKey() throws -> SecKey {
        var failure: Unmanaged<CFError>?
        // Neither leaves this phone, and neither works while it is locked.
        guard
            let access = SecAccessControlCreateWithFlags(
                nil, kSecAttrAccessibleWhenUnlockedThisDeviceOnly, .privateKeyUsage, &failure)
        else {
            failure?.release()
            throw PortError.Failed
        }
        let own: [CFString: Any] = [
            kSecAttrIsPermanent: true, kSecAttrApplicationTag: Self.tag, kSecAttrAccessControl: access,
        ]
        let attributes: [CFString: Any] = [
            kSecAttrKeyType: kSecAttrKeyTypeECSECPrimeRandom, kSecAttrKeySizeInBits: 256,
            kSecAttrTokenID: kSecAttrTokenIDSecureEnclave, kSecPrivateKeyAttrs: own as CFDictionary,
        ]
        guard let key = SecKeyCreateRandomKey(attributes as CFDictionary, &failure) else {
            failure?.release()
            throw PortError.Unavailable
        }
        return key
    }

    private func item(_ name: String) -> [CFString: Any] {
        [kSecClass: kSecClassGenericPassword, kSecAttrService: "firsthand", kSecAttrAccount: name]
    }

    private func read(_ name: String) throws -> Data? {
        var query = item(name)
        query[kSecReturnData] = true
        return try copy(query) as? Data
    }

    private func add(_ name: String, _ value: Data) throws {
        var attributes = item(name)
        attributes[kSecValueData] = value
        attributes[kSecAttrAccessible] = kSecAttrAccessibleWhenUnlockedThisDeviceOnly
        guard SecItemAdd(attributes as CFDictionary, nil) == errSecSuccess else { throw PortError.Unavailable }
    }

    private func copy(_ query: [CFString: Any]) throws -> CFTypeRef? {
        var found: CFTypeRef?
        switch SecItemCopyMatching(query as CFDictionary, &found) {
        case errSecSuccess: return found
        case errSecItemNotFound: return nil
        default: throw PortError.Unavailable
        }
    }

    private func random(_ count: Int) throws -> Data {
        var bytes = [UInt8](repeating: 0, count: count)
        guard SecRandomCopyBytes(kSecRandomDefault, count, &bytes) == errSecSuccess else { throw PortError.Failed }
        return Data(bytes)
    }
}
