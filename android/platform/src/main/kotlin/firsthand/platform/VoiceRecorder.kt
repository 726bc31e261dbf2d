package firsthand.platform

import android.content.Context
import android.media.MediaRecorder
import android.os.Build
import java.io.File
import java.util.UUID

/** Records voice into a file until it is told to stop. */
class VoiceRecorder(private val context: Context) {
    private var running: MediaRecorder? = null
    private var file: File? = null

    /** Begins in a new file. */
    fun start(folder: File) {
        val target = File(folder, "${UUID.randomUUID()}.m4a")
        @Suppress("DEPRECATION")
        val recorder = if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) MediaRecorder(context) else MediaRecorder()
        try {
            recorder.setAudioSource(MediaRecorder.AudioSource.MIC)
            recorder.setOutputFormat(MediaRecorder.OutputFormat.MPEG_4)
            recorder.setAudioEncoder(MediaRecorder.AudioEncoder.AAC)
            recorder.setOutputFile(target.path)
            recorder.prepare()
            recorder.start()
        } catch (error: Exception) {
            recorder.release()
            target.delete()
            throw error
        }
        running = recorder
        file = target
    }

    /** Ends, and gives the file; it is empty where the microphone gave nothing, which the core refuses. */
    fun stop(): File? {
        val recorder = running ?: return null
        running = null
        try {
            recorder.stop()
        } catch (_: RuntimeException) {
            // Nothing was recorded; what there is of the file cannot be played.
            file?.writeBytes(ByteArray(0))
        } finally {
            recorder.release()
        }
        return file
    }
}
