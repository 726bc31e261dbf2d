package firsthand.presentation

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.merge
import kotlinx.coroutines.flow.update
import uniffi.firsthand.BoardLine
import uniffi.firsthand.Node

data class BoardState(
    val loaded: Boolean = false,
    val lines: List<BoardLine> = emptyList(),
    val problem: Problem? = null,
)

/** Who is on, with whom, and how they are: in the order of the core, alarms first. */
class BoardScreen(scope: CoroutineScope, private val node: Node, changes: Changes, shell: Shell) :
    Screen<BoardState>(scope, BoardState()) {

    override fun BoardState.with(problem: Problem?) = copy(problem = problem)

    init {
        readOn(merge(changes.heard, shell.ticks)) {
            val lines = node.roster().board().lines
            shown.update { it.copy(loaded = true, lines = lines) }
        }
    }
}
