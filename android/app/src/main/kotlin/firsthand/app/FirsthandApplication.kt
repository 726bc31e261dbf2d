package firsthand.app

import android.app.Activity
import android.app.Application
import android.app.PendingIntent
import android.content.Intent
import android.os.Bundle
import firsthand.platform.KeystoreVault
import firsthand.platform.Notices
import firsthand.platform.NsdDiscovery
import firsthand.platform.PhoneClock
import firsthand.platform.PhoneLocation
import firsthand.platform.PhoneOverdueAlarm
import firsthand.presentation.App
import firsthand.presentation.Door
import firsthand.presentation.Home
import firsthand.presentation.JoinScreen
import firsthand.presentation.Shell
import firsthand.texts.ResourceTexts
import java.io.File
import java.util.concurrent.Executor
import kotlinx.coroutines.Job
import kotlinx.coroutines.MainScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.launch
import uniffi.firsthand.Notice
import uniffi.firsthand.Platform

/** Holds the one home of the process, and lends the core what only the phone has. */
class FirsthandApplication : Application() {
    private val scope = MainScope()
    val clock by lazy { PhoneClock(this) }
    val recordings by lazy { Recordings(this) }
    lateinit var app: App
        private set
    lateinit var join: JoinScreen
        private set

    private val home: Home? get() = (app.door.value as? Door.Open)?.home

    /** Notifications; the receiver of alarms uses them too. */
    val notices: Notices by lazy {
        val texts = ResourceTexts(resources)
        val words = { notice: Notice -> if (notice == Notice.ALARM) texts.noticeAlarm else texts.noticeOverdue }
        val open = PendingIntent.getActivity(this, 0, Intent(this, MainActivity::class.java), PendingIntent.FLAG_IMMUTABLE)
        Notices(this, words, texts.noticeChannel, R.drawable.icon, open)
    }

    override fun onCreate() {
        super.onCreate()
        val ports = Platform(
            vault = KeystoreVault(this),
            clock = clock,
            location = PhoneLocation(this),
            notifier = notices,
            discovery = NsdDiscovery(this, onMain(), ::found, ::gone),
        )
        val shell = Shell(
            clock = clock,
            recorder = recordings,
            recordings = recordings.folder,
            overdueAlarm = PhoneOverdueAlarm(this, OverdueReceiver::class.java),
            ticks = flow {
                while (true) {
                    delay(TICK_MS)
                    emit(Unit)
                }
            },
            language = { resources.configuration.locales[0].language },
        )
        val folder = File(noBackupFilesDir, "home").path
        app = App(folder, ports, scope, shell)
        join = JoinScreen(scope, folder, app.platform) { app.joined(it).join() }
        registerActivityLifecycleCallbacks(Watch())
    }

    private fun onMain() = Executor { work -> scope.launch { work.run() } }

    private fun found(name: String, addresses: List<String>) {
        scope.launch { home?.sync?.found(name, addresses) }
    }

    private fun gone(name: String) {
        scope.launch { home?.sync?.gone(name) }
    }

    /** What was typed is saved when the app leaves the screen; some minutes later the home is locked. */
    private inner class Watch : ActivityLifecycleCallbacks {
        private var started = 0
        private var locking: Job? = null

        override fun onActivityStarted(activity: Activity) {
            started++
            locking?.cancel()
        }

        override fun onActivityStopped(activity: Activity) {
            started--
            if (started > 0) return
            scope.launch { home?.flush() }
            locking = scope.launch {
                delay(LOCK_AFTER_MS)
                app.lock()
            }
        }

        override fun onActivityCreated(activity: Activity, state: Bundle?) = Unit

        override fun onActivityResumed(activity: Activity) = Unit

        override fun onActivityPaused(activity: Activity) = Unit

        override fun onActivitySaveInstanceState(activity: Activity, state: Bundle) = Unit

        override fun onActivityDestroyed(activity: Activity) = Unit
    }

    private companion object {
        /** Minutes are the smallest unit that a screen shows. */
        const val TICK_MS = 30_000L

        /** Long enough to take a photo or a call, short enough for a phone that is taken out of a hand. */
        const val LOCK_AFTER_MS = 5 * 60_000L
    }
}
