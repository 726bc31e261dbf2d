package firsthand.presentation

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import uniffi.firsthand.ApiException
import uniffi.firsthand.IncidentFilter
import uniffi.firsthand.IncidentItem
import uniffi.firsthand.IncidentList
import uniffi.firsthand.IncidentListListener
import uniffi.firsthand.ListChange
import uniffi.firsthand.Node

data class IncidentsState(
    val loaded: Boolean = false,
    val rows: List<IncidentItem> = emptyList(),
    /** There may be more than is shown. */
    val more: Boolean = false,
    val search: String = "",
    val problem: Problem? = null,
)

/** The list of incidents, newest first, by pages of [PAGE]. It follows what happens by itself. */
class IncidentsScreen(scope: CoroutineScope, private val node: Node) : Screen<IncidentsState>(scope, IncidentsState()) {
    private var watching: Job = Job().apply { complete() }
    private var list: IncidentList? = null

    override fun IncidentsState.with(problem: Problem?) = copy(problem = problem)

    init {
        watch("")
    }

    /** Shows only incidents in which every word is found. */
    fun search(text: String) {
        if (text == shown.value.search) return
        shown.update { it.copy(search = text) }
        watch(text)
    }

    private fun watch(text: String) {
        watching.cancel()
        watching = scope.launch {
            caught {
                val heard = Channel<Heard>(Channel.UNLIMITED)
                val listener = Listener(heard)
                val watched = node.incidents().watch(IncidentFilter(text = text), PAGE.toUInt(), listener)
                list = watched
                try {
                    // An empty list brings no first page: what stands is asked for once.
                    val first = node.incidents().page(IncidentFilter(text = text), PAGE.toUInt(), null)
                    shown.update { it.copy(loaded = true, rows = first.rows, more = first.next != null) }
                    for (what in heard) {
                        what.ended?.let { throw it }
                        shown.update { it.copy(rows = what.rows, more = it.more && what.rows.size % PAGE == 0) }
                    }
                } finally {
                    watched.end()
                    watched.close()
                    if (list === watched) list = null
                }
            }
        }
    }

    /** Shows another page. */
    fun more(): Job = act {
        val more = list?.more() ?: return@act
        shown.update { it.copy(more = more) }
    }

    private class Heard(val rows: List<IncidentItem>, val ended: ApiException?)

    /** Applies differences as they come, on the core's threads, one call at a time. */
    private class Listener(private val heard: Channel<Heard>) : IncidentListListener {
        private val rows = ArrayList<IncidentItem>()

        override fun changed(changes: List<ListChange>) {
            for (change in changes) {
                when (change) {
                    is ListChange.Inserted -> rows.add(change.at.toInt(), change.row)
                    is ListChange.Removed -> rows.removeAt(change.at.toInt())
                    is ListChange.Updated -> rows[change.at.toInt()] = change.row
                }
            }
            heard.trySend(Heard(rows.toList(), null))
        }

        override fun ended(error: ApiException) {
            heard.trySend(Heard(emptyList(), error))
        }
    }

    companion object {
        /** What fits on a few screens. */
        const val PAGE = 50
    }
}
