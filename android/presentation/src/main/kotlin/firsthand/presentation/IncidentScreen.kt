package firsthand.presentation

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.sync.withLock
import uniffi.firsthand.HistoryStep
import uniffi.firsthand.IncidentDetail
import uniffi.firsthand.Node
import uniffi.firsthand.Settled

data class IncidentState(
    val detail: IncidentDetail? = null,
    /** Oldest first. */
    val history: List<HistoryStep> = emptyList(),
    /** What became of the last choice between values. */
    val settled: Settled? = null,
    val problem: Problem? = null,
)

/** One incident with its history and conflicts. */
class IncidentScreen(scope: CoroutineScope, private val node: Node, changes: Changes, private val id: String) :
    Screen<IncidentState>(scope, IncidentState()) {

    override fun IncidentState.with(problem: Problem?) = copy(problem = problem)

    init {
        readOn(changes.heard, ::read)
    }

    private suspend fun read() = reading.withLock {
        val detail = node.incidents().get(id)
        val history = node.incidents().history(id)
        shown.update { it.copy(detail = detail, history = history) }
    }

    /** Picks one of the values of a conflict, by its key. */
    fun resolve(field: String, candidate: String): Job = act {
        val settled = node.incidents().resolve(id, field, candidate, "")
        shown.update { it.copy(settled = settled) }
        read()
    }

    fun leave() = scope.cancel()
}
