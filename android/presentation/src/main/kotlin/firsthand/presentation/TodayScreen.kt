package firsthand.presentation

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.merge
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.sync.withLock
import uniffi.firsthand.BoardLine
import uniffi.firsthand.DueState
import uniffi.firsthand.Node
import uniffi.firsthand_record.CheckIn
import uniffi.firsthand_record.CheckInState
import uniffi.firsthand_record.LocalMoment

data class TodayState(
    /** The board was read once. */
    val loaded: Boolean = false,
    /** The person of this phone on their shift; `null` where they are on none. */
    val mine: BoardLine? = null,
    /** Others who are overdue, or about whom an alarm stands. */
    val attention: List<BoardLine> = emptyList(),
    val checkingIn: Boolean = false,
    /** When the last check-in of this screen was saved. */
    val checkedIn: LocalMoment? = null,
    val problem: Problem? = null,
)

/** The person's own shift and buddy, checking in, and who is overdue. */
class TodayScreen(scope: CoroutineScope, private val node: Node, changes: Changes, private val shell: Shell) :
    Screen<TodayState>(scope, TodayState()) {

    override fun TodayState.with(problem: Problem?) = copy(problem = problem)

    init {
        readOn(merge(changes.heard, shell.ticks), ::read)
    }

    private suspend fun read() = reading.withLock {
        val me = node.team().state().me
        val lines = node.roster().board().lines
        val mine = lines.firstOrNull { it.person == me && it.shift != null }
        val attention = lines.filter { it.person != me && (it.openAlarms.isNotEmpty() || it.due is DueState.Overdue) }
        shown.update { it.copy(loaded = true, mine = mine, attention = attention) }
    }

    /** Saves a check-in of the person of this phone. A second touch while one is being saved does nothing. */
    fun checkIn(state: CheckInState): Job {
        if (shown.value.checkingIn) return Job().apply { complete() }
        shown.update { it.copy(checkingIn = true, problem = null) }
        return act {
            try {
                node.roster().checkIn(CheckIn(state = state))
                val now = shell.clock.now()
                shown.update { it.copy(checkedIn = now) }
                read()
            } finally {
                shown.update { it.copy(checkingIn = false) }
            }
        }
    }
}
