package firsthand.presentation

import java.io.File
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.cancel
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.isActive
import kotlinx.coroutines.job
import kotlinx.coroutines.launch
import uniffi.firsthand.ApiException
import uniffi.firsthand.CancelToken
import uniffi.firsthand.NewAttachment
import uniffi.firsthand.Node
import uniffi.firsthand.Refusal
import uniffi.firsthand_record.Captured
import uniffi.firsthand_record.Occurred
import uniffi.firsthand_record.Precision

/** How far what was typed has come. */
enum class Saving { NOTHING, TYPING, SAVED, NOT_SAVED }

data class LogState(
    /** What was saved before is being read; typing waits for it. */
    val restoring: Boolean = false,
    val entry: Entry = Entry(),
    val saving: Saving = Saving.NOTHING,
    /** The incident's short name, once it has one. */
    val code: String = "",
    val files: Int = 0,
    val attaching: Boolean = false,
    /** Recordings that wait to be saved, by path. */
    val pending: List<String> = emptyList(),
    val findingPosition: Boolean = false,
    val finished: Boolean = false,
    val problem: Problem? = null,
)

/**
 * Logging an incident, saved as one types: what was typed is on the disk [SAVE_AFTER_MS] and one save later, however fast one types
 * on. To go on after the process ended, keep [draft] alone: no text of a person goes into what the phone stores of a screen.
 */
class LogScreen(scope: CoroutineScope, private val node: Node, private val shell: Shell, restored: String? = null) :
    Screen<LogState>(scope, LogState(restoring = restored != null)) {
    private val draftRecord = Draft(node.incidents())
    private val typed = Channel<Unit>(Channel.CONFLATED)
    private var searching: CancelToken? = null

    /** What kept the last save from being made. */
    private var unsaved: Problem? = null

    /** The incident that is being written; `null` while there is nothing of it. */
    val draft: String? get() = draftRecord.id

    override fun LogState.with(problem: Problem?) = copy(problem = problem)

    init {
        scope.launch {
            if (restored != null) restore(restored)
            sweep()
            for (signal in typed) {
                delay(SAVE_AFTER_MS)
                // What was typed meanwhile is part of this save.
                typed.tryReceive()
                flush()
            }
        }
        // A position that is still looked for when the screen ends is not waited for.
        scope.coroutineContext.job.invokeOnCompletion { searching?.cancel() }
    }

    private suspend fun restore(draft: String) {
        caught {
            val entry = draftRecord.restore(draft)
            val files = node.incidents().get(draft).files.size
            shown.update { it.copy(entry = entry, code = draftRecord.code, files = files, saving = Saving.SAVED) }
        }
        shown.update { it.copy(restoring = false) }
    }

    /** Recordings whose process ended before they were sealed. */
    private fun sweep() {
        val left = shell.recordings.listFiles().orEmpty().filter { it.isFile }.map { it.path }.sorted()
        shown.update { it.copy(pending = left) }
    }

    /** A person types or chooses. */
    fun edit(change: (Entry) -> Entry) {
        // A touch may still be on its way when the home is locked.
        if (!scope.isActive || shown.value.restoring || shown.value.finished) return
        shown.update { it.copy(entry = change(it.entry), saving = Saving.TYPING) }
        typed.trySend(Unit)
    }

    /** It happens now. */
    fun now() = edit { it.copy(time = Occurred(shell.clock.now(), Precision.MINUTE)) }

    /** Saves what was typed and not saved yet; returns when it is on the disk. Says whether all of it is. */
    suspend fun flush(): Boolean {
        while (true) {
            val entry = shown.value.entry
            if (shown.value.restoring || (draft == null && entry == Entry())) return true
            val before = unsaved
            unsaved = try {
                draftRecord.save(entry)?.let(::problemOf)
            } catch (error: CancellationException) {
                throw error
            } catch (error: Exception) {
                problemOf(error)
            }
            val now = unsaved
            val isLatest = shown.value.entry == entry
            shown.update {
                it.copy(
                    code = draftRecord.code,
                    // What went wrong with something else stays until somebody has read it.
                    problem = now ?: it.problem.takeIf { problem -> problem != before },
                    saving = if (now != null) Saving.NOT_SAVED else if (isLatest) Saving.SAVED else it.saving,
                )
            }
            if (now != null) return false
            if (isLatest) return true
        }
    }

    /** Asks the phone where it is. The person goes on typing meanwhile. */
    fun findPosition(): Job = scope.launch {
        if (shown.value.findingPosition) return@launch
        val cancel = CancelToken()
        searching = cancel
        shown.update { it.copy(findingPosition = true, problem = null) }
        try {
            val place = node.position(shell.positionMs.toULong(), cancel)
            edit { it.copy(position = place) }
        } catch (_: ApiException.NoAnswer) {
            shown.update { it.copy(problem = Problem(Trouble.NO_POSITION)) }
        } catch (_: ApiException.Cancelled) {
            // The person did not want to wait.
        } finally {
            searching = null
            shown.update { it.copy(findingPosition = false) }
        }
    }

    fun stopFinding() {
        searching?.cancel()
    }

    /** Takes a photo or records voice, and adds it. */
    fun record(kind: Recording): Job = act {
        if (shown.value.attaching) return@act
        shown.update { it.copy(attaching = true) }
        try {
            shell.recordings.mkdirs()
            val path = try {
                shell.recorder.record(kind, shell.recordings)
            } catch (error: CancellationException) {
                throw error
            } catch (_: Exception) {
                shown.update { it.copy(problem = Problem(Trouble.NO_CAPTURE)) }
                null
            }
            if (path != null) attach(path)
        } finally {
            shown.update { it.copy(attaching = false) }
        }
    }

    /** Tries again to add what could not be saved. */
    fun retryFiles(): Job = act {
        shown.update { it.copy(attaching = true) }
        try {
            for (path in shown.value.pending) attach(path)
        } finally {
            shown.update { it.copy(attaching = false) }
        }
    }

    /** Seals a recording into the home. It leaves the folder of recordings only then, or where there is nothing in it. */
    private suspend fun attach(path: String) {
        val captured = Captured(time = shell.clock.now(), place = shown.value.entry.position)
        try {
            val incident = draftRecord.begin()
            node.files().attach(incident, NewAttachment(path = path, captured = captured), null, null)
            File(path).delete()
            shown.update { it.copy(files = it.files + 1, pending = it.pending - path, code = draftRecord.code) }
            if (shown.value.saving == Saving.NOTHING) shown.update { it.copy(saving = Saving.SAVED) }
        } catch (error: ApiException.Refused) {
            if (error.why != Refusal.EMPTY_FILE) throw keep(path, error)
            File(path).delete()
            shown.update { it.copy(problem = problemOf(error), pending = it.pending - path) }
        } catch (error: ApiException) {
            throw keep(path, error)
        }
    }

    private fun keep(path: String, error: ApiException): ApiException {
        shown.update { it.copy(pending = it.pending - path + path) }
        return error
    }

    /** Nothing more is typed. */
    fun finish(): Job = act {
        if (!flush()) return@act
        draftRecord.finish()
        shown.update { it.copy(finished = true) }
    }

    /** Saves what was typed last, and ends. */
    fun saveAndLeave(): Job = scope.launch { flush() }.also { job -> job.invokeOnCompletion { scope.cancel() } }

    companion object {
        /** Half of the second that may be lost at most, so that the save has the other half. */
        const val SAVE_AFTER_MS = 500L
    }
}
