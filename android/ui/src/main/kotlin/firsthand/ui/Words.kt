package firsthand.ui

import firsthand.presentation.Problem
import firsthand.presentation.Trouble
import firsthand.texts.Texts
import java.time.Instant
import java.time.ZoneOffset
import java.time.format.DateTimeFormatter
import java.util.Locale
import uniffi.firsthand.DueState
import uniffi.firsthand_record.CheckInState
import uniffi.firsthand_record.Incident
import uniffi.firsthand_record.LocalMoment
import uniffi.firsthand_record.Place
import uniffi.firsthand_record.Severity
import uniffi.firsthand_record.Status

/** A name or a number inside a sentence that may run the other way keeps its own direction. */
internal fun apart(text: String) = "\u2068$text\u2069"

internal fun Texts.label(severity: Severity) = when (severity) {
    Severity.EXTREME -> severityExtreme
    Severity.SEVERE -> severitySevere
    Severity.MODERATE -> severityModerate
    Severity.MINOR -> severityMinor
    Severity.UNKNOWN -> severityUnknown
}

internal fun Texts.label(status: Status) = when (status) {
    Status.DRAFT -> statusDraft
    Status.OPEN -> statusOpen
    Status.MONITORING -> statusMonitoring
    Status.CLOSED -> statusClosed
    Status.MERGED_INTO -> statusMerged
}

internal fun Texts.label(state: CheckInState) = when (state) {
    CheckInState.OK -> stateOk
    CheckInState.NEED_SUPPORT -> stateNeedSupport
    CheckInState.MOVING -> stateMoving
    CheckInState.OFF_SITE -> stateOffSite
    CheckInState.MISSING -> stateMissing
    CheckInState.COVERT_DISTRESS -> stateDistress
}

/** The name of a field; one that has none here is shown as the core calls it, never left out. */
internal fun Texts.field(name: String) = when (name.substringBefore('.').substringBefore('[')) {
    "title" -> fieldTitle
    "narrative" -> fieldNarrative
    "place" -> fieldPlace
    "place_text" -> fieldPlaceText
    "severity" -> fieldSeverity
    "status" -> fieldStatus
    "category" -> fieldCategory
    "occurred_start", "occurred_end" -> fieldOccurred
    "counts" -> fieldCounts
    "actors" -> fieldActors
    "weapons_seen" -> fieldWeapons
    "name" -> joinName
    else -> name
}

/** The value of one field of an incident that holds this field alone. */
internal fun Texts.value(field: String, of: Incident): String = when (field) {
    "severity" -> of.severity?.let(::label)
    "status" -> of.status?.let(::label)
    "place" -> of.place?.let(::position)
    "occurred_start" -> of.occurredStart?.let { time(it.time) }
    "title" -> of.title
    "category" -> of.category
    else -> null
}.orEmpty()

/** A value of the history: the label of a code, and anything else as it is. */
internal fun Texts.noted(field: String, value: String): String = when (field) {
    "severity" -> Severity.entries.firstOrNull { it.name.equals(value, ignoreCase = true) }?.let(::label)
    "status" -> Status.entries.firstOrNull { it.name.equals(value, ignoreCase = true) }?.let(::label)
    else -> null
} ?: value

internal fun Texts.problem(problem: Problem): String = when (problem.trouble) {
    Trouble.LOCKED -> problemLocked
    Trouble.KEY_STORE -> problemKeyStore
    Trouble.KEY_STORE_GONE -> problemKeyStoreGone
    Trouble.STORAGE_FULL -> problemStorageFull
    Trouble.IN_USE -> problemInUse
    Trouble.NEWER_APP -> problemNewerApp
    Trouble.INVALID -> problemInvalid(problem.fields.joinToString(", ") { field(it) })
    Trouble.NOT_FOUND -> problemNotFound
    Trouble.EXISTS -> problemExists
    Trouble.NOT_ALLOWED -> problemNotAllowed
    Trouble.REMOVED -> problemRemoved
    Trouble.CONFLICT -> problemConflict
    Trouble.EMPTY_FILE -> problemEmptyFile
    Trouble.BAD_CODE -> problemBadCode
    Trouble.NO_ANSWER -> problemNoAnswer
    Trouble.HOME_FAILED -> problemHomeFailed
    Trouble.NO_CAPTURE -> problemNoCapture
    Trouble.NO_POSITION -> problemNoPosition
    Trouble.OTHER -> problemOther
}

/** A length of time in the largest unit of which there are at least two. */
internal fun Texts.length(ms: ULong): String {
    val minutes = (ms / 60_000u).toInt()
    return when {
        minutes < 120 -> commonMinutes(minutes)
        minutes < 48 * 60 -> commonHours(minutes / 60)
        else -> commonDays(minutes / (24 * 60))
    }
}

/** A moment as the phone that noted it showed it. */
internal fun Texts.time(moment: LocalMoment): String {
    val there = Instant.ofEpochMilli(moment.atMs).atOffset(ZoneOffset.ofTotalSeconds(moment.offsetMinutes * 60))
    return DateTimeFormatter.ofPattern("d MMM, HH:mm", Locale.forLanguageTag(language)).format(there)
}

internal fun clock(moment: LocalMoment): String {
    val there = Instant.ofEpochMilli(moment.atMs).atOffset(ZoneOffset.ofTotalSeconds(moment.offsetMinutes * 60))
    return DateTimeFormatter.ofPattern("HH:mm", Locale.ROOT).format(there)
}

internal fun Texts.position(place: Place) = position(place.lat, place.lon, place.accuracyM)

internal fun Texts.position(lat: Double, lon: Double, accuracy: Double?): String {
    val (north, east) = listOf(lat, lon).map { apart(String.format(Locale.ROOT, "%.5f", it)) }
    return if (accuracy == null) "$north, $east" else logPosition(north, east, String.format(Locale.ROOT, "%.0f", accuracy))
}

internal fun Texts.dueOnBoard(due: DueState): String? = when (due) {
    is DueState.NotExpected -> null
    is DueState.In -> boardDueIn(length(due.ms))
    is DueState.Late -> boardLate(length(due.ms))
    is DueState.Overdue -> boardOverdue(length(due.ms))
}
