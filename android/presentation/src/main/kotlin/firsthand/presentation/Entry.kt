package firsthand.presentation

import uniffi.firsthand_record.Actor
import uniffi.firsthand_record.ActorRole
import uniffi.firsthand_record.Count
import uniffi.firsthand_record.CountKind
import uniffi.firsthand_record.Incident
import uniffi.firsthand_record.Occurred
import uniffi.firsthand_record.Place
import uniffi.firsthand_record.Severity
import uniffi.firsthand_record.Weapon
import uniffi.firsthand_record.WeaponUse

/** What a person has typed about an incident: size, activity, location, unit, time and equipment. */
data class Entry(
    val from: String = "",
    val to: String = "",
    val activity: String = "",
    val details: String = "",
    val where: String = "",
    val position: Place? = null,
    val unit: String = "",
    val time: Occurred? = null,
    val equipment: String = "",
    val severity: Severity? = null,
) {
    /** The numbers of people; `null` where none can be read. A number that cannot be read is left out, never guessed. */
    internal fun count(): Count? {
        val (low, high) = listOf(from, to).map { it.trim().toUIntOrNull() }
        return if (low == null && high == null) null else Count(what = CountKind.PRESENT, low = low, high = high)
    }

    internal fun actor(): Actor? =
        unit.trim().ifEmpty { null }?.let { Actor(role = ActorRole.INITIATOR, groupLabel = it) }

    internal fun weapon(): Weapon? =
        equipment.trim().ifEmpty { null }?.let { Weapon(kind = it, usage = WeaponUse.DISPLAYED) }

    companion object {
        /** What stands in a record, to go on with. */
        fun of(record: Incident): Entry {
            val count = record.counts.lastOrNull { it.what == CountKind.PRESENT }
            return Entry(
                from = count?.low?.toString().orEmpty(),
                to = count?.high?.toString().orEmpty(),
                activity = record.title.orEmpty(),
                details = record.narrative,
                where = record.placeText,
                position = record.place,
                unit = record.actors.lastOrNull()?.groupLabel.orEmpty(),
                time = record.occurredStart,
                equipment = record.weaponsSeen.lastOrNull()?.kind.orEmpty(),
                severity = record.severity,
            )
        }
    }
}

/** What turns one text into another: from [at], [delete] Unicode scalar values go and [insert] comes. */
internal data class Splice(val at: Int, val delete: Int, val insert: String)

/** The smallest splice between two texts; `null` where they are the same. */
internal fun splice(old: String, new: String): Splice? {
    if (old == new) return null
    val (before, after) = listOf(old, new).map { it.codePoints().toArray() }
    val most = minOf(before.size, after.size)
    val start = (0 until most).firstOrNull { before[it] != after[it] } ?: most
    val rest = most - start
    val end = (0 until rest).firstOrNull { before[before.size - 1 - it] != after[after.size - 1 - it] } ?: rest
    return Splice(start, before.size - start - end, String(after, start, after.size - start - end))
}
