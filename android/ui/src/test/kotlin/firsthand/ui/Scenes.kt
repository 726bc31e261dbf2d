package firsthand.ui

import androidx.compose.runtime.Composable
import firsthand.presentation.BoardState
import firsthand.presentation.ChecklistState
import firsthand.presentation.Door
import firsthand.presentation.Entry
import firsthand.presentation.IncidentState
import firsthand.presentation.IncidentsState
import firsthand.presentation.InviteState
import firsthand.presentation.JoinState
import firsthand.presentation.LogState
import firsthand.presentation.Problem
import firsthand.presentation.Saving
import firsthand.presentation.SyncScreenState
import firsthand.presentation.TodayState
import firsthand.presentation.Trouble
import uniffi.firsthand.BoardLine
import uniffi.firsthand.Candidate
import uniffi.firsthand.ChecklistItem
import uniffi.firsthand.Conflict
import uniffi.firsthand.DeviceState
import uniffi.firsthand.DueState
import uniffi.firsthand.HistoryStep
import uniffi.firsthand.IncidentDetail
import uniffi.firsthand.IncidentItem
import uniffi.firsthand.Reach
import uniffi.firsthand.RunItem
import uniffi.firsthand.RunState
import uniffi.firsthand.SyncState
import uniffi.firsthand_record.CheckInState
import uniffi.firsthand_record.Incident
import uniffi.firsthand_record.ItemType
import uniffi.firsthand_record.LocalMoment
import uniffi.firsthand_record.Occurred
import uniffi.firsthand_record.Place
import uniffi.firsthand_record.PlaceSource
import uniffi.firsthand_record.Precision
import uniffi.firsthand_record.Run
import uniffi.firsthand_record.Severity
import uniffi.firsthand_record.Status

/** What a person may see, one for each screen and for each state that looks different. */
internal class Scene(val name: String, val content: @Composable () -> Unit)

internal const val INVITATION = "firsthand:join:01f3a9c87b5e4d2290ab11ce7741f0d3c2:192.168.43.1:41234"

private val at = LocalMoment(1_795_340_700_000, 180)
private val position = Place(lat = 15.55271, lon = 32.53243, accuracyM = 8.0, source = PlaceSource.GPS)
private val id = "00".repeat(16)

private fun line(name: String, due: DueState, state: CheckInState?, alarm: Boolean = false) = BoardLine(
    person = id, name = name, callsign = "Kilo 7", shift = id, shiftTitle = "Morning at the east gate", role = "observer",
    buddy = "Bakri Osman", go = true, state = state, openAlarms = if (alarm) listOf(id) else emptyList(),
    lastMs = 1_620_000u, due = due, note = if (alarm) "Lost sight of him near the bridge" else "",
)

private fun row(at: Int, title: String, severity: Severity?, conflicts: Int = 0, placed: Boolean = true) = IncidentItem(
    id = "%032x".format(at), shortCode = "K7-0$at", title = title, category = null, severity = severity, status = Status.OPEN,
    occurred = null, entered = 0, lat = if (placed) position.lat else null, lon = if (placed) position.lon else null,
    accuracy = if (placed) 8.0 else null, files = if (placed) 3u else 0u, conflicts = conflicts.toUInt(),
    flags = if (placed) 0u else 1u, hidden = false,
)

private fun device(name: String, connected: Boolean, lacks: Int, files: Int) = DeviceState(
    device = id + id, person = id, name = name, connected = connected, complete = connected && lacks == 0 && files == 0,
    has = 812uL, lacks = lacks.toULong(), filesPending = files.toULong(), met = at.atMs, completed = null,
)

private val detail = IncidentDetail(
    id = id, shortCode = "K7-014", author = "Amina Yusuf", created = at, estimated = LocalMoment(at.atMs - 86_400_000, 180),
    record = Incident(
        title = "Men with sticks at the east gate", narrative = "About forty men came from the market. They shout, nobody is hurt yet.",
        occurredStart = Occurred(at, Precision.MINUTE), place = position, placeText = "East gate, beside the clinic",
        severity = Severity.SEVERE, status = Status.OPEN,
    ),
    conflicts = listOf(
        Conflict(
            id, "K7-014", "severity",
            listOf(
                Candidate("1", Incident(severity = Severity.SEVERE), "Bakri Osman", at),
                Candidate("2", Incident(severity = Severity.MODERATE), "Amina Yusuf", at),
            ),
        ),
    ),
    findings = emptyList(), files = emptyList(), reach = Reach.CHANGES_ONLY_HERE, waiting = 3u, disputed = false, leadsAnd = null,
)

private fun step(person: String, field: String, created: Boolean, before: String?, after: String?) =
    HistoryStep(at, person, "a1b2", created, field, "set", before, after)

private val history = listOf(
    step("Amina Yusuf", "title", true, null, "Men with sticks at the east gate"),
    step("Bakri Osman", "severity", false, "Moderate", "Severe"),
)

private fun item(label: String, type: ItemType, done: Boolean, critical: Boolean = false, answer: String? = null) =
    RunItem(label, type, label, critical, true, true, done, answer)

private val run = RunState(
    id = id, author = "Amina Yusuf", over = false, held = false,
    items = listOf(
        item("Everybody knows the way out", ItemType.CHECK, true, critical = true),
        item("The radio works", ItemType.CHECK, false),
        item("How many are you", ItemType.INTEGER, false),
        item("Who leads", ItemType.TEXT, true, answer = "Amina"),
    ),
    done = 2u, total = 4u, files = emptyList(), record = Run(templateId = "checkpoint", version = 1u, template = id, started = at),
)

internal val scenes = listOf(
    Scene("lock") { LockView(Door.Locked(), {}, {}) },
    Scene("lock-wrong") { LockView(Door.Locked(triesLeft = 3), {}, {}) },
    Scene("lock-refused") { LockView(Door.Locked(problem = Problem(Trouble.KEY_STORE)), {}, {}) },
    Scene("lock-new") { LockView(Door.NoHome, {}, {}) },
    Scene("today") {
        Tabs(Navigator()) {
            TodayView(
                TodayState(
                    loaded = true, mine = line("Amina Yusuf", DueState.In(540_000u), CheckInState.OK), checkedIn = at,
                    attention = listOf(line("Celia Martínez", DueState.Overdue(1_260_000u), CheckInState.MISSING, alarm = true)),
                ),
                TodayActions(),
            )
        }
    },
    Scene("today-overdue") {
        TodayView(
            TodayState(loaded = true, mine = line("Amina", DueState.Overdue(660_000u), null), problem = Problem(Trouble.STORAGE_FULL)),
            TodayActions(),
        )
    },
    Scene("today-free") { TodayView(TodayState(loaded = true), TodayActions()) },
    Scene("log-new") { LogView(LogState(), LogActions()) },
    Scene("log") {
        LogView(
            LogState(
                entry = Entry(
                    from = "35", to = "45", activity = "Men with sticks at the east gate", details = "They came from the market.",
                    where = "East gate, beside the clinic", position = position, unit = "Blue shirts", time = Occurred(at, Precision.MINUTE),
                    equipment = "Sticks", severity = Severity.SEVERE,
                ),
                saving = Saving.SAVED, code = "K7-014", files = 2, pending = listOf("one"), problem = Problem(Trouble.EMPTY_FILE),
            ),
            LogActions(),
        )
    },
    Scene("incidents") {
        IncidentsView(
            IncidentsState(
                loaded = true, more = true,
                rows = listOf(
                    row(14, "Men with sticks at the east gate", Severity.SEVERE, conflicts = 1),
                    row(13, "Rumour of a march on Friday after prayers, heard by several shopkeepers", Severity.UNKNOWN, placed = false),
                    row(12, "", null),
                ),
            ),
            IncidentsActions(),
        )
    },
    Scene("incidents-empty") { IncidentsView(IncidentsState(loaded = true, search = "bridge"), IncidentsActions()) },
    Scene("incident") { IncidentView(IncidentState(detail, history), { _, _ -> }, {}, {}) },
    Scene("checklists") {
        val title = mapOf("en" to "At a checkpoint", "ar" to "عند نقطة تفتيش")
        val list = ChecklistItem(id, "checkpoint", title, 2u, 14u, 3u, "Amina Yusuf", true)
        ChecklistView(ChecklistState(loaded = true, lists = listOf(list)), ChecklistActions())
    },
    Scene("checklist-run") {
        ChecklistView(ChecklistState(loaded = true, run = run, typed = mapOf("How many are you" to "3")), ChecklistActions())
    },
    Scene("board") {
        BoardView(
            BoardState(
                loaded = true,
                lines = listOf(
                    line("Celia Martínez", DueState.Overdue(1_260_000u), CheckInState.MISSING, alarm = true),
                    line("Deng", DueState.Late(120_000u), CheckInState.MOVING),
                    line("Amina Yusuf", DueState.In(540_000u), CheckInState.OK),
                    line("Esra", DueState.NotExpected, null),
                ),
            ),
            {},
        )
    },
    Scene("sync") {
        val devices = listOf(device("Bakri Osman", true, 0, 0), device("Celia Martínez", true, 41, 7), device("Deng", false, 1, 0))
        SyncView(
            SyncScreenState(SyncState(812u, 0u, 7u, false, devices), listening = "0.0.0.0:41234", addresses = listOf("192.168.43.1:41234")), SyncActions(), { at },
        )
    },
    Scene("join") { JoinView(JoinState(code = "firsthand:join:01f3", name = "Bakri", problem = Problem(Trouble.NO_ANSWER)), JoinActions()) },
    Scene("join-words") { JoinView(JoinState(words = listOf("orbit", "lantern", "maple")), JoinActions()) },
    Scene("invite") { InviteView(InviteState(code = INVITATION), {}, {}, {}) },
    Scene("invited") { InviteView(InviteState(code = INVITATION, joined = "Bakri Osman"), {}, {}, {}) },
)
