package firsthand.ui

import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import androidx.compose.ui.semantics.LiveRegionMode
import androidx.compose.ui.semantics.liveRegion
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.input.KeyboardType
import firsthand.presentation.Entry
import firsthand.presentation.LogState
import firsthand.presentation.Recording
import firsthand.presentation.Saving
import uniffi.firsthand_record.Severity

/** What logging an incident can do. */
class LogActions(
    val edit: ((Entry) -> Entry) -> Unit = {},
    val now: () -> Unit = {},
    val findPosition: () -> Unit = {},
    val record: (Recording) -> Unit = {},
    val retryFiles: () -> Unit = {},
    val finish: () -> Unit = {},
    val back: () -> Unit = {},
    val dismiss: () -> Unit = {},
)

/** Size, activity, location, unit, time and equipment on one screen, what matters most first; saved as one types. */
@Composable
fun LogView(state: LogState, act: LogActions) {
    val texts = LocalTexts.current
    val entry = state.entry
    val ready = !state.restoring
    Page(texts.logTitle, state.problem, act.dismiss) {
        Text(
            when (state.saving) {
                Saving.NOTHING -> texts.logEmpty
                Saving.TYPING -> texts.logTyping
                Saving.SAVED -> "✓ ${texts.logSaved(apart(state.code))}"
                Saving.NOT_SAVED -> "▲ ${texts.logNotSaved}"
            },
            Modifier.semantics { liveRegion = LiveRegionMode.Polite },
            style = MaterialTheme.typography.bodyLarge,
        )
        Field(texts.logActivity, entry.activity, lines = 2, enabled = ready) { text -> act.edit { it.copy(activity = text) } }
        Beside(
            { Plain(texts.logPhoto, it, enabled = ready && !state.attaching) { act.record(Recording.PHOTO) } },
            { Plain(texts.logVoice, it, enabled = ready && !state.attaching) { act.record(Recording.VOICE) } },
        )
        if (state.attaching) Small(texts.logAttaching)
        if (state.files > 0) Small("✓ ${texts.incidentsFiles(state.files)}")
        if (state.pending.isNotEmpty() && !state.attaching) {
            Plain(texts.logRetryFiles(state.pending.size), onClick = act.retryFiles)
        }
        Heading(texts.logSeverity)
        Choices(Severity.entries, entry.severity, texts::label) { severity ->
            // Touching what is chosen takes it back.
            act.edit { it.copy(severity = if (it.severity == severity) null else severity) }
        }
        Heading(texts.logSize)
        Beside(
            { place ->
                Field(texts.logFrom, entry.from, place, texts.logSizeFrom, keyboard = KeyboardType.Number, enabled = ready) { text ->
                    act.edit { it.copy(from = text) }
                }
            },
            { place ->
                Field(texts.logTo, entry.to, place, texts.logSizeTo, keyboard = KeyboardType.Number, enabled = ready) { text ->
                    act.edit { it.copy(to = text) }
                }
            },
        )
        Field(texts.logPlace, entry.where, enabled = ready) { text -> act.edit { it.copy(where = text) } }
        entry.position?.let { Small("✓ ${texts.position(it)}") }
        Plain(
            if (state.findingPosition) texts.logFinding else texts.logFindPosition,
            enabled = ready && !state.findingPosition,
            onClick = act.findPosition,
        )
        Field(texts.logUnit, entry.unit, enabled = ready) { text -> act.edit { it.copy(unit = text) } }
        Pair(texts.logTime, entry.time?.let { texts.time(it.time) } ?: "–")
        Plain(texts.logTimeNow, enabled = ready, onClick = act.now)
        Field(texts.logEquipment, entry.equipment, enabled = ready) { text -> act.edit { it.copy(equipment = text) } }
        Field(texts.logDetails, entry.details, lines = 4, enabled = ready) { text -> act.edit { it.copy(details = text) } }
        Main(texts.logDone, enabled = ready, onClick = act.finish)
        Plain(texts.commonBack, onClick = act.back)
    }
}
