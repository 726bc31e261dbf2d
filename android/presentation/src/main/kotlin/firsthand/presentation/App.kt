package firsthand.presentation

import java.io.File
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.job
import kotlinx.coroutines.launch
import kotlinx.coroutines.plus
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import kotlinx.coroutines.withTimeoutOrNull
import uniffi.firsthand.ApiException
import uniffi.firsthand.Node
import uniffi.firsthand.Platform

/** What stands between a person and the home. */
sealed interface Door {
    /** There is no home on this phone: the person joins a team. */
    data object NoHome : Door

    /** Nothing is shown. [triesLeft] after a wrong passphrase. */
    data class Locked(val triesLeft: Int? = null, val problem: Problem? = null) : Door

    data object Opening : Door

    /** The home is open. */
    data class Open(val home: Home) : Door
}

/** Wakes the phone when somebody may be overdue while the home is locked; `null` takes it back. It knows no names. */
fun interface OverdueAlarm {
    fun set(inMs: Long?)
}

/** The one home of this phone, open or locked. */
class App(
    private val folder: String,
    ports: Platform,
    private val scope: CoroutineScope,
    private val shell: Shell,
) {
    val changes = Changes()

    /** The ports with the observer that the screens listen to; joining a team takes them too. */
    val platform = ports.copy(observer = changes)

    private val shown = MutableStateFlow<Door>(if (hasHome()) Door.Locked() else Door.NoHome)
    private val one = Mutex()
    private var node: Node? = null

    val door: StateFlow<Door> = shown.asStateFlow()

    private fun hasHome() = File(folder).list().orEmpty().isNotEmpty()

    /** Opens the home. */
    fun unlock(passphrase: String): Job = scope.launch {
        one.withLock {
            if (shown.value is Door.Open) return@withLock
            shown.value = Door.Opening
            shown.value = try {
                val opened = node?.also { it.unlock(passphrase) } ?: Node.open(folder, passphrase, platform)
                enter(opened)
            } catch (error: CancellationException) {
                shown.value = Door.Locked()
                throw error
            } catch (error: ApiException.Locked) {
                val tries = error.triesLeft?.toInt()
                Door.Locked(tries, if (tries == null) problemOf(error) else null)
            } catch (error: Exception) {
                Door.Locked(problem = problemOf(error))
            }
        }
    }

    /** Goes on with a home that was just made by joining a team. */
    fun joined(made: Node): Job = scope.launch { one.withLock { shown.value = enter(made) } }

    private fun enter(opened: Node): Door.Open {
        node = opened
        shell.overdueAlarm.set(null)
        // Ends with the app, and on its own when the home is locked; one screen that fails ends no other.
        return Door.Open(Home(opened, changes, scope + SupervisorJob(scope.coroutineContext.job), shell))
    }

    /** Hides everything at once; then what was typed last is saved, and the keys are wiped. */
    fun lock(): Job = scope.launch {
        val seen = hide()
        one.withLock {
            // A home that was being opened when this was asked for is locked as well.
            val open = seen ?: hide() ?: return@withLock
            // A disk that hangs must not keep the home open.
            withTimeoutOrNull(LAST_SAVE_MS) { open.home.flush() }
            open.home.scope.coroutineContext.job.cancelAndJoin()
            try {
                shell.overdueAlarm.set(node?.lock()?.nextOverdueMs?.toLong())
            } catch (error: ApiException) {
                // The home has gone; nothing of it is open any more.
                shown.value = Door.Locked(problem = problemOf(error))
            }
        }
    }

    /** Shows nothing of the home any more; gives what was open. */
    private fun hide(): Door.Open? = (shown.value as? Door.Open)?.also { shown.value = Door.Locked() }

    /** Ends the home with the process. */
    suspend fun shutdown() {
        lock().join()
        one.withLock {
            try {
                node?.shutdown()
            } catch (_: ApiException.Locked) {
                // It was ended before.
            }
            node = null
        }
    }

    private companion object {
        /** How long the last save may take: two hundred times what it takes on a slow phone. */
        const val LAST_SAVE_MS = 2_000L
    }
}
