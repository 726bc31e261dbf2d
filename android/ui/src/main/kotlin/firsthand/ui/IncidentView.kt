package firsthand.ui

import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import firsthand.presentation.Entry
import firsthand.presentation.IncidentState
import uniffi.firsthand.Conflict
import uniffi.firsthand.HistoryStep
import uniffi.firsthand.IncidentDetail
import uniffi.firsthand.Reach
import uniffi.firsthand.Settled

@Composable
fun IncidentView(
    state: IncidentState,
    resolve: (field: String, candidate: String) -> Unit,
    back: () -> Unit,
    dismiss: () -> Unit,
) {
    val texts = LocalTexts.current
    val detail = state.detail
    Page(detail?.record?.title?.ifEmpty { null } ?: texts.incidentsUntitled, state.problem, dismiss) {
        if (detail != null) {
            Tags(
                listOfNotNull(
                    apart(detail.shortCode),
                    detail.record.severity?.let(texts::label),
                    detail.record.status?.let(texts::label),
                ),
            )
            Small(
                when (detail.reach) {
                    Reach.ONLY_HERE -> texts.incidentOnlyHere
                    Reach.CHANGES_ONLY_HERE -> texts.incidentChangesOnlyHere
                    Reach.SHARED -> texts.incidentShared
                },
            )
            if (detail.waiting > 0uL) Small(texts.incidentWaiting(detail.waiting.toInt()))
            for (conflict in detail.conflicts) ConflictView(conflict, detail, resolve)
            when (state.settled) {
                Settled.COUNTS -> Strong("✓ ${texts.incidentCounted}")
                Settled.PROPOSED -> Strong("✓ ${texts.incidentProposed}")
                null -> {}
            }
            Facts(detail)
            if (detail.files.isNotEmpty()) {
                Heading(texts.incidentFiles)
                for (file in detail.files) {
                    val name = apart(file.name)
                    val standing = if (file.here) texts.incidentFileHere(name) else texts.incidentFilePending(name)
                    Text(standing, style = MaterialTheme.typography.bodyLarge)
                }
            }
            Heading(texts.incidentHistory)
            for (step in state.history) StepView(step)
        }
        Plain(texts.commonBack, onClick = back)
    }
}

@Composable
private fun ConflictView(conflict: Conflict, detail: IncidentDetail, resolve: (String, String) -> Unit) {
    val texts = LocalTexts.current
    Line(alarming = true) {
        Alarm(texts.incidentConflict(texts.field(conflict.field)))
        val acted = texts.value(conflict.field, detail.record)
        if (acted.isNotEmpty()) Text(texts.incidentActsOn(acted), style = MaterialTheme.typography.bodyLarge)
        for (candidate in conflict.candidates) {
            val value = texts.value(conflict.field, candidate.value)
            Small(texts.incidentCandidate(apart(value), apart(candidate.person)))
            Plain(texts.incidentChoose(apart(value))) { resolve(conflict.field, candidate.key) }
        }
    }
}

/** What is known, in the order in which it was asked for. */
@Composable
private fun Facts(detail: IncidentDetail) {
    val texts = LocalTexts.current
    val entry = Entry.of(detail.record)
    val size = listOf(entry.from, entry.to).filter { it.isNotEmpty() }.distinct().joinToString("–")
    val facts = listOf(
        texts.fieldNarrative to entry.details,
        texts.fieldCounts to size,
        texts.fieldPlaceText to entry.where,
        texts.fieldPlace to entry.position?.let { texts.position(it) }.orEmpty(),
        texts.fieldActors to entry.unit,
        texts.fieldOccurred to entry.time?.let { texts.time(it.time) }.orEmpty(),
        texts.fieldWeapons to entry.equipment,
    )
    for ((name, value) in facts) if (value.isNotEmpty()) Pair(name, value)
    detail.created?.let { Small(texts.incidentEntered(apart(detail.author), texts.time(it))) }
    detail.estimated?.let { Alarm(texts.incidentProbably(texts.time(it))) }
}

@Composable
private fun StepView(step: HistoryStep) {
    val texts = LocalTexts.current
    val person = apart(step.person)
    Line {
        Strong(if (step.created) texts.incidentCreated(person) else texts.incidentChanged(person, texts.field(step.field)))
        step.`when`?.let { Small(texts.time(it)) }
        // In words: an arrow would point the wrong way where one reads from right to left.
        val before = step.before?.let { texts.incidentBefore(apart(texts.noted(step.field, it))) }
        val after = step.after?.let { texts.incidentAfter(apart(texts.noted(step.field, it))) }
        for (value in listOfNotNull(before, after)) Text(value, style = MaterialTheme.typography.bodyLarge)
    }
}
