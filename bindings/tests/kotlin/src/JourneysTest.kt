import java.nio.file.Files
import kotlin.math.abs
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import uniffi.firsthand.ApiException
import uniffi.firsthand.IncidentFilter
import uniffi.firsthand.NewAttachment
import uniffi.firsthand.Platform
import uniffi.firsthand.Reach
import uniffi.firsthand.Refusal
import uniffi.firsthand.RemovalReason
import uniffi.firsthand.Settled
import uniffi.firsthand_record.Count
import uniffi.firsthand_record.CountKind
import uniffi.firsthand_record.Incident
import uniffi.firsthand_record.LocalMoment
import uniffi.firsthand_record.Occurred
import uniffi.firsthand_record.Place
import uniffi.firsthand_record.PlaceSource
import uniffi.firsthand_record.Precision
import uniffi.firsthand_record.Rule
import uniffi.firsthand_record.Severity
import uniffi.firsthand_record.VariantKind

class JourneysTest {
    private val bytes = ByteArray(300_000) { (it * 31 % 251).toByte() }

    private fun salute() = Incident(
        title = "Men with sticks at the east gate",
        narrative = "About forty men came",
        occurredStart = Occurred(LocalMoment(System.currentTimeMillis(), 180), Precision.MINUTE),
        place = Place(lat = 15.5527, lon = 32.5324, accuracyM = 8.0, source = PlaceSource.GPS),
        severity = Severity.MODERATE,
        counts = listOf(Count(what = CountKind.PRESENT, low = 35u, high = 45u)),
    )

    /** Journey 1. */
    @Test
    fun noSignal() = homes { homes ->
        val node = homes.found("Amina")
        val saved = node.incidents().add(salute())
        val photo = homes.folder.resolve("photo.bin")
        Files.write(photo, bytes)
        val file = node.files().attach(saved.id, NewAttachment(path = photo.toString()), null, null)
        assertTrue(file.here && file.signed)
        node.incidents().splice(saved.id, "narrative", "About forty men came".length.toULong(), 0u, ", shouting.")
        val detail = node.incidents().get(saved.id)
        assertEquals("About forty men came, shouting.", detail.record.narrative)
        assertEquals(Reach.ONLY_HERE, detail.reach)
        assertEquals(8.0, detail.record.place!!.accuracyM)
        val copy = homes.folder.resolve("copy.bin")
        node.files().save(saved.id, "photo.bin", VariantKind.ORIGINAL, copy.toString(), null, null)
        assertArrayEquals(bytes, Files.readAllBytes(copy))
    }

    /** Journey 2. */
    @Test
    fun twoEditors() = homes { homes ->
        val lead = homes.found("Amina")
        val (other, address) = homes.join(lead, "Amina", "Bakri")
        val narrative = "The crowd is at the gate."
        val saved = lead.incidents().add(Incident(narrative = narrative, severity = Severity.UNKNOWN))
        other.syncing().meetOnce(address, null)
        fun injured(source: String) =
            listOf(Count(what = CountKind.INJURED, low = 2u, high = 2u, source = source))
        lead.incidents().splice(saved.id, "narrative", 0u, 0u, "At ten: ")
        other.incidents().splice(saved.id, "narrative", narrative.length.toULong(), 0u, " It grows.")
        lead.incidents().edit(saved.id, Incident(severity = Severity.MODERATE, counts = injured("witness")))
        other.incidents().edit(saved.id, Incident(severity = Severity.SEVERE, counts = injured("medic")))
        other.syncing().meetOnce(address, null)
        for (node in listOf(lead, other)) {
            val detail = node.incidents().get(saved.id)
            assertEquals("At ten: $narrative It grows.", detail.record.narrative)
            assertEquals(Severity.SEVERE, detail.record.severity)
            assertEquals(setOf("medic", "witness"), detail.record.counts.map { it.source }.toSet())
            assertEquals("severity", detail.conflicts.single().field)
        }
        val refused = fails<ApiException.Refused> {
            lead.incidents().edit(saved.id, Incident(severity = Severity.MINOR))
        }
        assertEquals(Refusal.CONFLICT, refused.why)
        val pick = lead.incidents().conflicts().single().candidates.single { it.value.severity == Severity.MODERATE }
        assertEquals(Settled.COUNTS, lead.incidents().resolve(saved.id, "severity", pick.key, "seen"))
        other.syncing().meetOnce(address, null)
        val settled = other.incidents().get(saved.id)
        assertTrue(settled.conflicts.isEmpty())
        assertEquals(Severity.MODERATE, settled.record.severity)
    }

    /** Journey 3. */
    @Test
    fun sixPhones() = homes { homes ->
        val lead = homes.found("Amina")
        val phones = listOf("Bakri", "Celia", "Deng", "Esra", "Fadi").map { homes.join(lead, "Amina", it) }
        val photo = homes.folder.resolve("photo.bin")
        Files.write(photo, bytes)
        for ((phone, _) in phones) {
            val saved = phone.incidents().add(salute())
            phone.files().attach(saved.id, NewAttachment(path = photo.toString()), null, null)
        }
        for ((phone, address) in phones) phone.syncing().meet(address)
        until {
            val state = lead.syncing().state()
            for (device in state.devices.filter { it.complete }) {
                assertEquals(0uL to 0uL, device.lacks to device.filesPending)
            }
            state.allHereComplete && state.devices.all { it.complete } && lead.team().state().incidents == 5uL
        }
        for ((phone, _) in phones) {
            val rows = phone.incidents().page(IncidentFilter(), 50u, null).rows
            assertEquals(listOf(1u, 1u, 1u, 1u, 1u), rows.map { it.files })
        }
    }

    /** Journey 5. */
    @Test
    fun phoneSeized() = homes { homes ->
        val lead = homes.found("Amina")
        val (seized, address) = homes.join(lead, "Amina", "Bakri")
        val name = "Zukhruf of the ninth street"
        val saved = seized.incidents().add(Incident(title = name))
        seized.syncing().meetOnce(address, null)
        seized.lock()
        assertFalse(seized.isOpen())
        fails<ApiException.Locked> { seized.incidents().get(saved.id) }
        for (file in homes.folder.resolve("Bakri").toFile().walk().filter { it.isFile }) {
            assertFalse(String(file.readBytes(), Charsets.ISO_8859_1).contains(name))
        }
        val device = lead.team().devices().single { it.name == "Bakri" }.device
        lead.team().removeDevice(device, RemovalReason.SEIZED)
        lead.incidents().add(Incident(title = "After"))
        seized.unlock(PASSPHRASE)
        fails<ApiException.NoAnswer> { seized.syncing().meetOnce(address, null) }
        assertEquals(listOf(name), seized.incidents().page(IncidentFilter(), 9u, null).rows.map { it.title })
        assertEquals(name, lead.incidents().get(saved.id).record.title)
    }

    /** Journey 9. */
    @Test
    fun clockOneDayAhead() = homes { homes ->
        val day = 24L * 60 * 60 * 1000
        val lead = homes.found("Amina")
        val (ahead, address) = homes.join(lead, "Amina", "Bakri", Platform(clock = Clock(day)))
        val shared = lead.incidents().add(Incident(title = "Shared", severity = Severity.MINOR))
        ahead.syncing().meetOnce(address, null)
        val made = (1..4).map { ahead.incidents().add(Incident(title = "$it")) }
        ahead.incidents().edit(shared.id, Incident(severity = Severity.MODERATE))
        lead.incidents().edit(shared.id, Incident(severity = Severity.SEVERE))
        ahead.syncing().meetOnce(address, null)
        val conflict = lead.incidents().get(shared.id)
        assertEquals("severity", conflict.conflicts.single().field)
        assertEquals(Severity.SEVERE, conflict.record.severity)
        for (saved in made) {
            val detail = lead.incidents().get(saved.id)
            val now = System.currentTimeMillis()
            assertTrue(abs(detail.created!!.atMs - day - now) < 300_000)
            assertTrue(abs(detail.estimated!!.atMs - now) < 300_000)
            assertTrue(detail.findings.any { it.rule == Rule.CLOCK_SKEW })
        }
    }
}
