package firsthand.app

import android.content.Context
import android.graphics.BitmapFactory
import com.google.zxing.BinaryBitmap
import com.google.zxing.RGBLuminanceSource
import com.google.zxing.ReaderException
import com.google.zxing.common.HybridBinarizer
import com.google.zxing.qrcode.QRCodeReader
import firsthand.presentation.Recorder
import firsthand.presentation.Recording
import java.io.File
import java.util.UUID
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext

/** What can record: the activity, while there is one. */
interface Camera {
    /** Has the camera write into a file; says whether it did. */
    suspend fun photograph(into: File): Boolean

    /** Records voice into a new file of a folder until the person stops it; `null` where they do not allow it. */
    suspend fun voice(folder: File): File?
}

/** Recordings on their way into the home: they wait in a folder of the app's own, outside backups, until the core has them. */
class Recordings(context: Context) : Recorder {
    val folder = File(context.filesDir, "recordings")

    /** Photos of codes, which are no evidence. */
    private val codes = File(context.filesDir, "codes")
    var camera: Camera? = null

    override suspend fun record(kind: Recording, folder: File): String? {
        val camera = camera ?: return null
        return when (kind) {
            Recording.PHOTO -> photograph(camera, folder)?.path
            Recording.VOICE -> camera.voice(folder)?.path
        }
    }

    private suspend fun photograph(camera: Camera, folder: File): File? {
        folder.mkdirs()
        val file = File(folder, "${UUID.randomUUID()}.jpg")
        if (camera.photograph(file)) return file
        file.delete()
        return null
    }

    /** Reads the code of an invitation from a photo of it; `null` where there is none to be read. */
    suspend fun scan(): String? {
        val photo = camera?.let { photograph(it, codes) } ?: return null
        return try {
            withContext(Dispatchers.Default) { read(photo) }
        } finally {
            photo.delete()
        }
    }

    private fun read(photo: File): String? {
        val size = BitmapFactory.Options().apply { inJustDecodeBounds = true }
        BitmapFactory.decodeFile(photo.path, size)
        // A code needs no more, and a whole photo would take 50 MB.
        val times = maxOf(1, maxOf(size.outWidth, size.outHeight) / CODE_PIXELS)
        val options = BitmapFactory.Options().apply { inSampleSize = times }
        val picture = BitmapFactory.decodeFile(photo.path, options) ?: return null
        val pixels = IntArray(picture.width * picture.height)
        picture.getPixels(pixels, 0, picture.width, 0, 0, picture.width, picture.height)
        val source = RGBLuminanceSource(picture.width, picture.height, pixels)
        return try {
            QRCodeReader().decode(BinaryBitmap(HybridBinarizer(source))).text
        } catch (_: ReaderException) {
            null
        }
    }

    private companion object {
        const val CODE_PIXELS = 1_200
    }
}
