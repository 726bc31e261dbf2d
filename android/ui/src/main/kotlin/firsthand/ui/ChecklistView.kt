package firsthand.ui

import androidx.compose.foundation.BorderStroke
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.selection.toggleable
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import androidx.compose.ui.semantics.Role
import androidx.compose.ui.text.input.KeyboardType
import androidx.compose.ui.unit.dp
import firsthand.presentation.ChecklistState
import firsthand.presentation.titleIn
import uniffi.firsthand.RunItem
import uniffi.firsthand.RunState
import uniffi.firsthand_record.ItemType

/** What working through checklists can do. */
class ChecklistActions(
    val begin: (String) -> Unit = {},
    val tick: (String, Boolean) -> Unit = { _, _ -> },
    val type: (String, String) -> Unit = { _, _ -> },
    val answer: (String) -> Unit = {},
    val complete: () -> Unit = {},
    val back: () -> Unit = {},
    val dismiss: () -> Unit = {},
)

@Composable
fun ChecklistView(state: ChecklistState, act: ChecklistActions) {
    val texts = LocalTexts.current
    Page(texts.checklistTitle, state.problem, act.dismiss) {
        val run = state.run
        if (run == null) {
            if (state.loaded && state.lists.isEmpty()) Text(texts.checklistEmpty, style = MaterialTheme.typography.bodyLarge)
            for (list in state.lists) {
                Line {
                    val title = apart(list.titleIn(texts.language))
                    Strong(title)
                    Small(texts.checklistVersion(list.version.toString()))
                    Plain(texts.checklistBegin(title)) { act.begin(list.id) }
                }
            }
        } else {
            RunView(run, state.typed, act)
        }
        Plain(texts.commonBack, onClick = act.back)
    }
}

@Composable
private fun RunView(run: RunState, typed: Map<String, String>, act: ChecklistActions) {
    val texts = LocalTexts.current
    if (run.held) Alarm(texts.checklistHeld)
    Strong(texts.checklistProgress(run.done.toString(), run.total.toString()))
    for (item in run.items.filter { it.relevant }) {
        when (item.itemType) {
            ItemType.NOTE -> Text(item.label, style = MaterialTheme.typography.bodyLarge)
            ItemType.CHECK -> Tick(item, run.over) { act.tick(item.itemId, it) }
            else -> Answer(item, typed[item.itemId], run.over, { act.type(item.itemId, it) }) { act.answer(item.itemId) }
        }
    }
    if (run.over) Strong("✓ ${texts.checklistOver}") else Main(texts.checklistComplete, onClick = act.complete)
}

@Composable
private fun Marks(item: RunItem) {
    val texts = LocalTexts.current
    if (item.critical) Alarm(texts.checklistCritical) else if (item.required) Small(texts.checklistRequired)
}

/** The whole line is the target; whether it is done is said in words and with a sign. */
@Composable
private fun Tick(item: RunItem, over: Boolean, tick: (Boolean) -> Unit) {
    val texts = LocalTexts.current
    val colours = MaterialTheme.colorScheme
    Surface(
        Modifier.fillMaxWidth().toggleable(item.done, enabled = !over, role = Role.Checkbox, onValueChange = tick),
        shape = RoundedCornerShape(10.dp),
        border = BorderStroke(if (item.done) 3.dp else 1.dp, if (item.done) colours.primary else colours.outline),
        color = colours.surface,
    ) {
        Column(Modifier.heightIn(min = TARGET).padding(12.dp)) {
            Text("${if (item.done) "☑" else "☐"} ${item.label}", style = MaterialTheme.typography.titleMedium)
            Small(if (item.done) texts.checklistDone else texts.checklistOpen)
            Marks(item)
        }
    }
}

@Composable
private fun Answer(item: RunItem, typed: String?, over: Boolean, type: (String) -> Unit, save: () -> Unit) {
    val texts = LocalTexts.current
    Line {
        Strong(item.label)
        Small(if (item.done) "☑ ${texts.checklistDone}" else "☐ ${texts.checklistOpen}")
        Marks(item)
        item.answer?.let { Text(apart(it), style = MaterialTheme.typography.bodyLarge) }
        val isNumber = item.itemType == ItemType.INTEGER || item.itemType == ItemType.DECIMAL
        if (!over) {
            val keyboard = if (isNumber) KeyboardType.Number else KeyboardType.Text
            Field(texts.checklistAnswer, typed.orEmpty(), keyboard = keyboard, onChange = type)
            if (!typed.isNullOrBlank()) Plain(texts.checklistSaveAnswer, onClick = save)
        }
    }
}
