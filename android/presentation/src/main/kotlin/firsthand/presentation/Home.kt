package firsthand.presentation

import java.io.File
import java.util.concurrent.ConcurrentHashMap
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.job
import kotlinx.coroutines.plus
import uniffi.firsthand.Node

/** What a recording is of. */
enum class Recording { PHOTO, VOICE }

/** Lends the phone's camera or microphone. */
fun interface Recorder {
    /** Records into a new file in [folder] and gives its path; `null` where the person thought better of it. */
    suspend fun record(kind: Recording, folder: File): String?
}

/** What the screens need of the phone beside the core's own ports. */
class Shell(
    val clock: WallClock,
    val recorder: Recorder,
    /** Where a recording waits until the core has sealed it; private to the app and outside backups. */
    val recordings: File,
    val overdueAlarm: OverdueAlarm,
    /** Ticks now and then, so that "5 minutes ago" stays true. */
    val ticks: Flow<Unit>,
    /** Where other phones on the local network reach this one; without a port the system chooses one. */
    val listenAt: String = "0.0.0.0:0",
    /** The language of the screens, such as `ar`. */
    val language: () -> String = { "en" },
    /** How long a position is waited for. */
    val positionMs: Long = 30_000,
)

/** An open home: makes the screens, and ends them all when it is locked. */
class Home(val node: Node, val changes: Changes, val scope: CoroutineScope, val shell: Shell) {
    // A screen may end on any thread.
    private val logs: MutableSet<LogScreen> = ConcurrentHashMap.newKeySet()

    /** A scope for one screen that ends by itself and with the home. */
    private fun own() = scope + SupervisorJob(scope.coroutineContext.job)

    val today: TodayScreen by lazy { TodayScreen(own(), node, changes, shell) }

    val incidents: IncidentsScreen by lazy { IncidentsScreen(own(), node) }

    val board: BoardScreen by lazy { BoardScreen(own(), node, changes, shell) }

    val sync: SyncScreen by lazy { SyncScreen(own(), node, changes, shell) }

    val checklists: ChecklistScreen by lazy { ChecklistScreen(own(), node, changes, shell) }

    /** Logs a new incident, or goes on with the one that was begun: [draft] is what [LogScreen.draft] gave. */
    fun log(draft: String? = null): LogScreen {
        val own = own()
        val screen = LogScreen(own, node, shell, draft)
        logs += screen
        own.coroutineContext.job.invokeOnCompletion { logs -= screen }
        return screen
    }

    fun incident(id: String) = IncidentScreen(own(), node, changes, id)

    fun invite() = InviteScreen(own(), node, changes, shell)

    /** Saves what was typed and not saved yet. */
    suspend fun flush() {
        for (log in logs.toList()) log.flush()
    }
}
