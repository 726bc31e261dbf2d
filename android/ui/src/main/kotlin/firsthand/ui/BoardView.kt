package firsthand.ui

import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import firsthand.presentation.BoardState
import uniffi.firsthand.BoardLine
import uniffi.firsthand.DueState

@Composable
fun BoardView(state: BoardState, dismiss: () -> Unit) {
    val texts = LocalTexts.current
    Page(texts.boardTitle, state.problem, dismiss) {
        if (state.loaded && state.lines.isEmpty()) Text(texts.boardEmpty, style = MaterialTheme.typography.bodyLarge)
        for (line in state.lines) BoardLineView(line)
    }
}

/** Somebody on shift: who, with whom, how they are, and when they were heard of. */
@Composable
internal fun BoardLineView(line: BoardLine) {
    val texts = LocalTexts.current
    val isAlarming = line.openAlarms.isNotEmpty() || line.due is DueState.Overdue
    Line(alarming = isAlarming) {
        Strong(listOf(line.name, line.callsign).filter { it.isNotEmpty() }.joinToString(" · ") { apart(it) })
        if (line.openAlarms.isNotEmpty()) Alarm(texts.boardAlarm)
        val due = texts.dueOnBoard(line.due)
        if (due != null) if (line.due is DueState.In) Small(due) else Alarm(due)
        line.state?.let { Text(texts.label(it), style = MaterialTheme.typography.bodyLarge) }
        Small(line.lastMs?.let { texts.boardLast(texts.length(it)) } ?: texts.boardNever)
        line.buddy?.let { Small(texts.boardBuddy(apart(it))) }
        if (line.shiftTitle.isNotEmpty()) Small(apart(line.shiftTitle))
        if (line.note.isNotEmpty()) Text(line.note, style = MaterialTheme.typography.bodyLarge)
    }
}
