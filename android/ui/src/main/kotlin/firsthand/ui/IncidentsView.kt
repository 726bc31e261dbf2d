package firsthand.ui

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.items
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import androidx.compose.ui.semantics.heading
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.unit.dp
import firsthand.presentation.IncidentsState
import uniffi.firsthand.IncidentItem

/** What the list of incidents can do. */
class IncidentsActions(
    val open: (String) -> Unit = {},
    val log: () -> Unit = {},
    val more: () -> Unit = {},
    val search: (String) -> Unit = {},
    val dismiss: () -> Unit = {},
)

@Composable
fun IncidentsView(state: IncidentsState, act: IncidentsActions) {
    val texts = LocalTexts.current
    Surface(Modifier.fillMaxSize(), color = MaterialTheme.colorScheme.background) {
        // Only the lines on the screen are made: the list may have ten thousand.
        LazyColumn(contentPadding = PaddingValues(16.dp), verticalArrangement = Arrangement.spacedBy(12.dp)) {
            item {
                Column(verticalArrangement = Arrangement.spacedBy(12.dp)) {
                    Text(
                        texts.incidentsTitle,
                        Modifier.semantics { heading() },
                        style = MaterialTheme.typography.headlineMedium,
                        fontWeight = FontWeight.SemiBold,
                    )
                    state.problem?.let { Remark(it, act.dismiss) }
                    Main(texts.logOpen, onClick = act.log)
                    Field(texts.incidentsSearch, state.search, onChange = act.search)
                    if (state.loaded && state.rows.isEmpty()) {
                        val empty = if (state.search.isEmpty()) texts.incidentsEmpty else texts.incidentsNothingFound
                        Text(empty, style = MaterialTheme.typography.bodyLarge)
                    }
                }
            }
            items(state.rows, key = { it.id }) { row -> IncidentLine(row) { act.open(row.id) } }
            if (state.more) item { Plain(texts.incidentsMore, onClick = act.more) }
        }
    }
}

@Composable
private fun IncidentLine(row: IncidentItem, open: () -> Unit) {
    val texts = LocalTexts.current
    Line(open) {
        Strong(row.title.ifEmpty { texts.incidentsUntitled })
        Tags(listOfNotNull(apart(row.shortCode), row.severity?.let(texts::label), row.status?.let(texts::label)))
        val (lat, lon) = row.lat to row.lon
        Small(if (lat != null && lon != null) texts.position(lat, lon, row.accuracy) else texts.incidentsNoPlace)
        if (row.conflicts > 0u) Alarm(texts.incidentsConflicts(row.conflicts.toInt()))
        val counts = listOfNotNull(
            row.files.takeIf { it > 0u }?.let { texts.incidentsFiles(it.toInt()) },
            row.flags.takeIf { it > 0u }?.let { texts.incidentsFlags(it.toInt()) },
        )
        if (counts.isNotEmpty()) Small(counts.joinToString(" · "))
    }
}
