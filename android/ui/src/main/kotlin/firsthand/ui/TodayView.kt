package firsthand.ui

import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import firsthand.presentation.TodayState
import uniffi.firsthand.BoardLine
import uniffi.firsthand.DueState
import uniffi.firsthand_record.CheckInState

/** What the first screen can do. */
class TodayActions(
    val checkIn: (CheckInState) -> Unit = {},
    val log: () -> Unit = {},
    val checklists: () -> Unit = {},
    val lock: () -> Unit = {},
    val dismiss: () -> Unit = {},
)

@Composable
fun TodayView(state: TodayState, act: TodayActions) {
    val texts = LocalTexts.current
    Page(texts.todayTitle, state.problem, act.dismiss) {
        val mine = state.mine
        if (mine == null) {
            if (state.loaded) Text(texts.todayNoShift, style = MaterialTheme.typography.bodyLarge)
        } else {
            Line {
                Pair(texts.todayShift, mine.shiftTitle)
                Pair(texts.todayRole, mine.role)
                Pair(texts.todayBuddy, mine.buddy ?: texts.todayNoBuddy)
            }
        }
        MyDue(mine)
        Main(
            if (state.checkingIn) texts.todayCheckingIn else texts.todayCheckIn,
            enabled = !state.checkingIn,
            large = true,
        ) { act.checkIn(CheckInState.OK) }
        Plain(texts.todayNeedSupport, enabled = !state.checkingIn) { act.checkIn(CheckInState.NEED_SUPPORT) }
        state.checkedIn?.let { Text("✓ ${texts.todayCheckedIn(clock(it))}", style = MaterialTheme.typography.bodyLarge) }
        if (state.attention.isNotEmpty()) {
            Heading(texts.todayAttention)
            for (line in state.attention) BoardLineView(line)
        } else if (state.loaded) {
            Text(texts.todayNobodyElse, style = MaterialTheme.typography.bodyLarge)
        }
        Main(texts.logOpen, onClick = act.log)
        Plain(texts.todayChecklists, onClick = act.checklists)
        Plain(texts.lockNow, onClick = act.lock)
        Small(texts.todayAlertsToCome)
    }
}

@Composable
private fun MyDue(mine: BoardLine?) {
    val texts = LocalTexts.current
    when (val due = mine?.due) {
        is DueState.In -> Strong(texts.todayDueIn(texts.length(due.ms)))
        is DueState.Late -> Alarm(texts.todayLate(texts.length(due.ms)))
        is DueState.Overdue -> Alarm(texts.todayOverdue(texts.length(due.ms)))
        is DueState.NotExpected -> Small(texts.todayNotExpected)
        null -> {}
    }
}
