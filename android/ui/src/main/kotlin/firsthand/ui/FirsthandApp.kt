package firsthand.ui

import androidx.compose.foundation.BorderStroke
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.ExperimentalLayoutApi
import androidx.compose.foundation.layout.FlowRow
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.selection.selectable
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.DisposableEffect
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.semantics.Role
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.text.style.TextAlign
import androidx.compose.ui.unit.dp
import firsthand.presentation.App
import firsthand.presentation.Door
import firsthand.presentation.Home
import firsthand.presentation.JoinScreen
import firsthand.presentation.LogScreen
import uniffi.firsthand_record.LocalMoment

/** The screens at the bottom bar. */
enum class Tab { TODAY, INCIDENTS, BOARD, SYNC }

/** A screen above the tabs. */
sealed interface Above {
    /** Logging; [begun] is what was begun before the process ended. */
    class Log(private val begun: String? = null) : Above {
        /** The screen; after a lock another one takes its place. */
        internal var screen: LogScreen? = null

        /** The draft that is being written. */
        val draft: String? get() = screen?.draft ?: begun
    }

    data class Incident(val id: String) : Above

    data object Checklists : Above

    data object Invite : Above

    data object Join : Above
}

/** Where in the app a person is. What the phone keeps of it over the process is [kept]: no text of a person. */
class Navigator(kept: String? = null) {
    var tab: Tab by mutableStateOf(Tab.TODAY)
    var above: Above? by mutableStateOf(kept?.takeIf { it.isNotEmpty() }?.let { Above.Log(it) })

    /** The draft that is being written. */
    val kept: String? get() = (above as? Above.Log)?.draft

    /** Goes one step back; says whether there was one. */
    fun back(): Boolean {
        val was = above
        above = null
        return was != null
    }
}

/** The whole app: the door, and behind it the tabs with what is above them. */
@Composable
fun FirsthandApp(
    app: App,
    navigator: Navigator,
    join: JoinScreen,
    scan: () -> Unit,
    moment: (Long) -> LocalMoment,
) {
    val door by app.door.collectAsState()
    val open = door as? Door.Open
    if (open != null) {
        // A home that was just joined opens on its first screen.
        LaunchedEffect(open.home) { if (navigator.above == Above.Join) navigator.back() }
        HomeView(open.home, app, navigator, moment)
    } else if (navigator.above == Above.Join) {
        val state by join.state.collectAsState()
        JoinView(
            state,
            JoinActions(
                scan = scan,
                code = join::code,
                name = join::name,
                passphrase = join::passphrase,
                begin = { join.begin() },
                compared = { join.compared(it) },
                back = { navigator.back() },
                dismiss = join::dismiss,
            ),
        )
    } else {
        LockView(door, { app.unlock(it) }, { navigator.above = Above.Join })
    }
}

@Composable
private fun HomeView(home: Home, app: App, navigator: Navigator, moment: (Long) -> LocalMoment) {
    when (val above = navigator.above) {
        is Above.Log -> LogIn(home, above, navigator)
        is Above.Incident -> {
            val screen = remember(home, above) { home.incident(above.id) }
            DisposableEffect(screen) { onDispose { screen.leave() } }
            val state by screen.state.collectAsState()
            IncidentView(state, { field, key -> screen.resolve(field, key) }, { navigator.back() }, screen::dismiss)
        }
        Above.Checklists -> {
            val screen = home.checklists
            val state by screen.state.collectAsState()
            ChecklistView(
                state,
                ChecklistActions(
                    begin = { screen.begin(it) },
                    tick = { item, done -> if (done) screen.tick(item) else screen.untick(item) },
                    type = screen::type,
                    answer = { screen.answer(it) },
                    complete = { screen.complete() },
                    back = { if (state.run == null) navigator.back() else screen.leave() },
                    dismiss = screen::dismiss,
                ),
            )
        }
        Above.Invite -> {
            val screen = remember(home) { home.invite().also { it.invite(home.sync.state.value.listening) } }
            DisposableEffect(screen) { onDispose { screen.leave() } }
            val state by screen.state.collectAsState()
            InviteView(state, { screen.compared(it) }, { navigator.back() }, screen::dismiss)
        }
        Above.Join, null -> Tabs(navigator) { TabView(home, app, navigator, moment) }
    }
}

@Composable
private fun LogIn(home: Home, above: Above.Log, navigator: Navigator) {
    val screen = remember(home, above) { home.log(above.draft).also { above.screen = it } }
    DisposableEffect(screen) { onDispose { screen.saveAndLeave() } }
    val state by screen.state.collectAsState()
    if (state.finished) LaunchedEffect(screen) { navigator.back() }
    LogView(
        state,
        LogActions(
            edit = screen::edit,
            now = screen::now,
            findPosition = { screen.findPosition() },
            record = { screen.record(it) },
            retryFiles = { screen.retryFiles() },
            finish = { screen.finish() },
            back = { navigator.back() },
            dismiss = screen::dismiss,
        ),
    )
}

@Composable
private fun TabView(home: Home, app: App, navigator: Navigator, moment: (Long) -> LocalMoment) {
    val log = { navigator.above = Above.Log() }
    when (navigator.tab) {
        Tab.TODAY -> {
            val state by home.today.state.collectAsState()
            TodayView(
                state,
                TodayActions(
                    checkIn = { home.today.checkIn(it) },
                    log = log,
                    checklists = { navigator.above = Above.Checklists },
                    lock = { app.lock() },
                    dismiss = home.today::dismiss,
                ),
            )
        }
        Tab.INCIDENTS -> {
            val state by home.incidents.state.collectAsState()
            IncidentsView(
                state,
                IncidentsActions(
                    open = { navigator.above = Above.Incident(it) },
                    log = log,
                    more = { home.incidents.more() },
                    search = home.incidents::search,
                    dismiss = home.incidents::dismiss,
                ),
            )
        }
        Tab.BOARD -> {
            val state by home.board.state.collectAsState()
            BoardView(state, home.board::dismiss)
        }
        Tab.SYNC -> {
            val state by home.sync.state.collectAsState()
            SyncView(
                state,
                SyncActions(
                    look = { home.sync.look() },
                    type = home.sync::type,
                    meet = { home.sync.meet() },
                    invite = { navigator.above = Above.Invite },
                    dismiss = home.sync::dismiss,
                ),
                moment,
            )
        }
    }
}

/** What is shown, and under it, where the thumb is, the way to the other tabs. */
@OptIn(ExperimentalLayoutApi::class)
@Composable
fun Tabs(navigator: Navigator, content: @Composable () -> Unit) {
    val texts = LocalTexts.current
    Column(Modifier.fillMaxSize()) {
        Box(Modifier.weight(1f).fillMaxWidth()) { content() }
        val colours = MaterialTheme.colorScheme
        Surface(color = colours.surfaceContainer, border = BorderStroke(1.dp, colours.outlineVariant)) {
            FlowRow(Modifier.fillMaxWidth(), maxItemsInEachRow = if (hasLargeLetters()) 2 else Tab.entries.size) {
                for (tab in Tab.entries) {
                    val label = when (tab) {
                        Tab.TODAY -> texts.navToday
                        Tab.INCIDENTS -> texts.navIncidents
                        Tab.BOARD -> texts.navBoard
                        Tab.SYNC -> texts.navSync
                    }
                    val isShown = navigator.tab == tab
                    Box(
                        Modifier.weight(1f).selectable(isShown, role = Role.Tab) { navigator.tab = tab }
                            .heightIn(min = 64.dp).padding(4.dp),
                        contentAlignment = Alignment.Center,
                    ) {
                        Text(
                            if (isShown) "● $label" else label,
                            fontWeight = if (isShown) FontWeight.Bold else FontWeight.Normal,
                            style = MaterialTheme.typography.labelLarge,
                            color = if (isShown) MaterialTheme.colorScheme.primary else MaterialTheme.colorScheme.onSurface,
                            textAlign = TextAlign.Center,
                        )
                    }
                }
            }
        }
    }
}
