package firsthand.app

import android.Manifest
import android.app.AlertDialog
import android.os.Bundle
import android.view.WindowManager
import androidx.activity.ComponentActivity
import androidx.activity.addCallback
import androidx.activity.compose.setContent
import androidx.activity.result.contract.ActivityResultContracts
import androidx.compose.foundation.isSystemInDarkTheme
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.safeDrawingPadding
import androidx.compose.ui.Modifier
import androidx.core.content.FileProvider
import androidx.lifecycle.lifecycleScope
import firsthand.platform.VoiceRecorder
import firsthand.texts.ResourceTexts
import firsthand.ui.FirsthandApp
import firsthand.ui.FirsthandTheme
import firsthand.ui.Navigator
import java.io.File
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.launch

/** The one activity. Nothing of it appears in screenshots or among recent apps. */
class MainActivity : ComponentActivity(), Camera {
    private lateinit var navigator: Navigator
    private var photographed: CompletableDeferred<Boolean>? = null
    private var allowed: CompletableDeferred<Boolean>? = null

    private val photo = registerForActivityResult(ActivityResultContracts.TakePicture()) { photographed?.complete(it) }
    private val microphone =
        registerForActivityResult(ActivityResultContracts.RequestPermission()) { allowed?.complete(it) }

    // What is refused is not asked for again: a place can be described in words.
    private val atStart = registerForActivityResult(ActivityResultContracts.RequestMultiplePermissions()) { }

    private val firsthand get() = application as FirsthandApplication

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        window.setFlags(WindowManager.LayoutParams.FLAG_SECURE, WindowManager.LayoutParams.FLAG_SECURE)
        navigator = Navigator(savedInstanceState?.getString(DRAFT))
        onBackPressedDispatcher.addCallback(this) {
            if (!navigator.back()) moveTaskToBack(true)
        }
        if (savedInstanceState == null) {
            atStart.launch(arrayOf(Manifest.permission.ACCESS_FINE_LOCATION, Manifest.permission.POST_NOTIFICATIONS))
        }
        val texts = ResourceTexts(resources)
        setContent {
            FirsthandTheme(texts, isSystemInDarkTheme()) {
                Box(Modifier.safeDrawingPadding()) {
                    FirsthandApp(firsthand.app, navigator, firsthand.join, ::scan, firsthand.clock::moment)
                }
            }
        }
    }

    override fun onStart() {
        super.onStart()
        firsthand.recordings.camera = this
    }

    override fun onDestroy() {
        if (firsthand.recordings.camera === this) firsthand.recordings.camera = null
        // Whoever waits goes on without a recording.
        photographed?.complete(false)
        allowed?.complete(false)
        super.onDestroy()
    }

    /** A draft's id, and no text of a person. */
    override fun onSaveInstanceState(outState: Bundle) {
        super.onSaveInstanceState(outState)
        outState.putString(DRAFT, navigator.kept)
    }

    private fun scan() {
        lifecycleScope.launch { firsthand.recordings.scan()?.let(firsthand.join::code) }
    }

    override suspend fun photograph(into: File): Boolean {
        val waiting = CompletableDeferred<Boolean>()
        photographed = waiting
        photo.launch(FileProvider.getUriForFile(this, "$packageName.recordings", into))
        return waiting.await()
    }

    override suspend fun voice(folder: File): File? {
        val waiting = CompletableDeferred<Boolean>()
        allowed = waiting
        microphone.launch(Manifest.permission.RECORD_AUDIO)
        if (!waiting.await()) return null
        val recorder = VoiceRecorder(this)
        recorder.start(folder)
        val stopped = CompletableDeferred<Unit>()
        val texts = ResourceTexts(resources)
        val dialog = AlertDialog.Builder(this)
            .setTitle(texts.logRecording)
            .setPositiveButton(texts.logStop) { _, _ -> stopped.complete(Unit) }
            .setCancelable(false)
            .create()
        dialog.window?.setFlags(WindowManager.LayoutParams.FLAG_SECURE, WindowManager.LayoutParams.FLAG_SECURE)
        dialog.show()
        return try {
            stopped.await()
            recorder.stop()
        } catch (error: Throwable) {
            recorder.stop()
            throw error
        } finally {
            dialog.dismiss()
        }
    }

    private companion object {
        const val DRAFT = "draft"
    }
}
