package firsthand.presentation

import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import uniffi.firsthand.ApiException
import uniffi.firsthand.FieldProblem
import uniffi.firsthand.Incidents
import uniffi.firsthand.Refusal
import uniffi.firsthand_record.Incident
import uniffi.firsthand_record.Status

/** An incident that is being written, and how far the core has it. What is called here is on the disk when it returns. */
internal class Draft(private val incidents: Incidents) {
    private val one = Mutex()

    /** What the core holds. */
    private var kept = Entry()

    /** The items of lists that this draft added, so that a correction takes the earlier one back. */
    private val keys = mutableMapOf<ItemList, String>()

    var id: String? = null
        private set

    var code: String = ""
        private set

    /** The lists of a record to which an entry adds one item. */
    private enum class ItemList(val keys: (Incident) -> List<String>) {
        COUNTS({ record -> record.counts.map { it.key } }),
        ACTORS({ record -> record.actors.map { it.key } }),
        WEAPONS({ record -> record.weaponsSeen.map { it.key } }),
    }

    /** Goes on with a draft. */
    suspend fun restore(draft: String): Entry {
        val detail = incidents.get(draft)
        id = draft
        code = detail.shortCode
        for (list in ItemList.entries) list.keys(detail.record).lastOrNull()?.let { keys[list] = it }
        kept = Entry.of(detail.record)
        return kept
    }

    /** Makes the record where there is none yet. */
    suspend fun begin(): String = one.withLock { begun() }

    private suspend fun begun(): String = id ?: incidents.add(Incident(status = Status.DRAFT)).let {
        code = it.shortCode
        it.id.also { made -> id = made }
    }

    /** Saves what differs. A field that is refused keeps no other from being saved; its error is given back. */
    suspend fun save(entry: Entry): ApiException? = one.withLock {
        if (entry == kept) return null
        val id = begun()
        val invalid = mutableListOf<FieldProblem>()
        var conflict: ApiException? = null
        suspend fun field(isSaved: (Entry) -> Boolean, save: suspend () -> Unit, keep: (Entry) -> Entry) {
            if (isSaved(kept)) return
            try {
                save()
                kept = keep(kept)
            } catch (error: ApiException.Invalid) {
                invalid += error.fields
            } catch (error: ApiException.Refused) {
                // Somebody who has met this phone set the same field.
                if (error.why != Refusal.CONFLICT) throw error
                conflict = error
            }
        }
        // The core's order of a report does not matter; what takes longest to type again comes first.
        field({ it.details == entry.details }, { text(id, "narrative", kept.details, entry.details) }) {
            it.copy(details = entry.details)
        }
        field({ it.activity == entry.activity }, {
            if (entry.activity.isBlank()) incidents.clear(id, listOf("title"))
            else incidents.edit(id, Incident(title = entry.activity))
        }) { it.copy(activity = entry.activity) }
        field({ it.where == entry.where }, { text(id, "place_text", kept.where, entry.where) }) {
            it.copy(where = entry.where)
        }
        field({ it.position == entry.position }, {
            if (entry.position == null) incidents.clear(id, listOf("place"))
            else incidents.edit(id, Incident(place = entry.position))
        }) { it.copy(position = entry.position) }
        field({ it.time == entry.time }, {
            if (entry.time == null) incidents.clear(id, listOf("occurred_start"))
            else incidents.edit(id, Incident(occurredStart = entry.time))
        }) { it.copy(time = entry.time) }
        field({ it.severity == entry.severity }, {
            if (entry.severity == null) incidents.clear(id, listOf("severity"))
            else incidents.edit(id, Incident(severity = entry.severity))
        }) { it.copy(severity = entry.severity) }
        field({ it.count() == entry.count() }, {
            item(id, ItemList.COUNTS, entry.count()?.let { Incident(counts = listOf(it)) })
        }) { it.copy(from = entry.from, to = entry.to) }
        field({ it.actor() == entry.actor() }, {
            item(id, ItemList.ACTORS, entry.actor()?.let { Incident(actors = listOf(it)) })
        }) { it.copy(unit = entry.unit) }
        field({ it.weapon() == entry.weapon() }, {
            item(id, ItemList.WEAPONS, entry.weapon()?.let { Incident(weaponsSeen = listOf(it)) })
        }) { it.copy(equipment = entry.equipment) }
        if (invalid.isEmpty()) conflict else ApiException.Invalid(invalid)
    }

    private suspend fun text(id: String, field: String, old: String, new: String) {
        val change = splice(old, new) ?: return
        incidents.splice(id, field, change.at.toULong(), change.delete.toULong(), change.insert)
    }

    /** Adds an item and then takes back the one that it corrects: killed in between, there are two and none is lost. */
    private suspend fun item(id: String, list: ItemList, changes: Incident?) {
        val corrected = keys[list]
        if (changes != null) {
            val before = list.keys(incidents.get(id).record)
            incidents.edit(id, changes)
            val added = list.keys(incidents.get(id).record) - before.toSet()
            added.firstOrNull()?.let { keys[list] = it }
        } else {
            keys.remove(list)
        }
        if (corrected != null) incidents.withdraw(id, corrected, "corrected while it was entered")
    }

    /** Nothing more is typed: the record counts as open. */
    suspend fun finish() = one.withLock {
        id?.let { incidents.edit(it, Incident(status = Status.OPEN)) }
    }
}
