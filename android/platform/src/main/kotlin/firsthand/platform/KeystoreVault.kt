package firsthand.platform

import android.content.Context
import android.os.Build
import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyPermanentlyInvalidatedException
import android.security.keystore.KeyProperties
import android.security.keystore.StrongBoxUnavailableException
import java.io.File
import java.io.FileOutputStream
import java.io.IOException
import java.security.GeneralSecurityException
import java.security.KeyStore
import java.security.SecureRandom
import java.security.UnrecoverableKeyException
import javax.crypto.AEADBadTagException
import javax.crypto.Cipher
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec
import uniffi.firsthand.KeyVault
import uniffi.firsthand.PortException

/**
 * The secret that the phone's key store keeps: 32 random bytes, wrapped by a key that never leaves the store and works only while the
 * phone is unlocked. What is done with the secret is the core's.
 */
class KeystoreVault(context: Context) : KeyVault {
    // Outside backups: a copy on another phone must count as another installation.
    private val folder: File = context.noBackupFilesDir
    private val wrapped = File(folder, "secret")
    private val number = File(folder, "installation")

    @Synchronized
    override fun secret(): ByteArray = port {
        if (wrapped.exists()) {
            val key = store().getKey(ALIAS, null) as SecretKey? ?: throw PortException.Gone()
            val bytes = wrapped.readBytes()
            if (bytes.size <= NONCE_BYTES) throw PortException.Gone()
            val cipher = Cipher.getInstance(CIPHER)
            cipher.init(Cipher.DECRYPT_MODE, key, GCMParameterSpec(TAG_BITS, bytes, 0, NONCE_BYTES))
            cipher.doFinal(bytes, NONCE_BYTES, bytes.size - NONCE_BYTES)
        } else {
            val made = ByteArray(SECRET_BYTES).also(SecureRandom()::nextBytes)
            val cipher = Cipher.getInstance(CIPHER)
            cipher.init(Cipher.ENCRYPT_MODE, newKey())
            replace(wrapped, cipher.iv + cipher.doFinal(made))
            made
        }
    }

    @Synchronized
    override fun installation(): ByteArray = port {
        if (!number.exists()) replace(number, ByteArray(NUMBER_BYTES).also(SecureRandom()::nextBytes))
        number.readBytes()
    }

    private fun store(): KeyStore = KeyStore.getInstance(PROVIDER).apply { load(null) }

    private fun newKey(): SecretKey {
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) {
            try {
                return generate(spec().setUnlockedDeviceRequired(true).setIsStrongBoxBacked(true).build())
            } catch (_: StrongBoxUnavailableException) {
                return generate(spec().setUnlockedDeviceRequired(true).build())
            }
        }
        return generate(spec().build())
    }

    private fun spec() = KeyGenParameterSpec.Builder(ALIAS, KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT)
        .setBlockModes(KeyProperties.BLOCK_MODE_GCM)
        .setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_NONE)
        .setKeySize(256)

    private fun generate(spec: KeyGenParameterSpec): SecretKey =
        KeyGenerator.getInstance(KeyProperties.KEY_ALGORITHM_AES, PROVIDER).apply { init(spec) }.generateKey()

    /** On the disk whole or not at all: half a wrapped secret would be a home that nobody opens again. */
    private fun replace(file: File, bytes: ByteArray) {
        val temporary = File(folder, "${file.name}.new")
        FileOutputStream(temporary).use {
            it.write(bytes)
            it.fd.sync()
        }
        if (!temporary.renameTo(file)) throw IOException("a file was not renamed")
    }

    /** Says what the core can act on: gone for good, or not now. */
    private fun <T> port(work: () -> T): T = try {
        work()
    } catch (_: KeyPermanentlyInvalidatedException) {
        throw PortException.Gone()
    } catch (_: UnrecoverableKeyException) {
        throw PortException.Gone()
    } catch (_: AEADBadTagException) {
        throw PortException.Gone()
    } catch (_: GeneralSecurityException) {
        // A locked phone says so in several ways, and a key store that is busy in others: it is asked again.
        throw PortException.Unavailable()
    } catch (_: IOException) {
        throw PortException.Failed()
    }

    private companion object {
        const val PROVIDER = "AndroidKeyStore"
        const val ALIAS = "firsthand"
        const val CIPHER = "AES/GCM/NoPadding"
        const val SECRET_BYTES = 32
        const val NUMBER_BYTES = 16
        const val NONCE_BYTES = 12
        const val TAG_BITS = 128
    }
}
