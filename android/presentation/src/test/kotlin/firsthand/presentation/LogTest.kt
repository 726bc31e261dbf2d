package firsthand.presentation

import java.nio.file.Files
import java.util.concurrent.TimeUnit
import kotlinx.coroutines.awaitCancellation
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import uniffi.firsthand.IncidentFilter
import uniffi.firsthand.Location
import uniffi.firsthand.Platform
import uniffi.firsthand.Position
import uniffi.firsthand_record.PlaceSource
import uniffi.firsthand_record.Severity
import uniffi.firsthand_record.Status

class LogTest {
    @Test
    fun everythingTypedIsSavedWithoutAButton() = phones { phones ->
        val phone = phones.phone()
        val home = phone.found("Amina")
        val log = home.log()
        phone.touch {
            log.edit { it.copy(activity = "Men with sticks", details = "About forty came", from = "35", to = "45") }
            null
        }
        log.state.until { it.saving == Saving.SAVED }
        phone.touch {
            log.edit {
                it.copy(
                    details = "About forty men came 🚶", where = "East gate", unit = "Blue shirts", equipment = "Sticks",
                    severity = Severity.SEVERE,
                )
            }
            log.now()
            null
        }
        log.state.until { it.saving == Saving.SAVED && it.entry.time != null }
        val record = home.node.incidents().get(log.draft!!).record
        assertEquals("About forty men came 🚶", record.narrative)
        assertEquals("Men with sticks", record.title)
        assertEquals("East gate", record.placeText)
        assertEquals(35u to 45u, record.counts.single().let { it.low to it.high })
        assertEquals("Blue shirts", record.actors.single().groupLabel)
        assertEquals("Sticks", record.weaponsSeen.single().kind)
        assertEquals(Severity.SEVERE, record.severity)
        assertEquals(Status.DRAFT, record.status)
        phone.touch { log.finish() }
        assertTrue(log.state.value.finished)
        assertEquals(Status.OPEN, home.node.incidents().get(log.draft!!).record.status)
    }

    @Test
    fun whatIsTakenAwayAndCorrectedIsSavedToo() = phones { phones ->
        val phone = phones.phone()
        val home = phone.found("Amina")
        val log = home.log()
        val first = Entry(activity = "A", details = "Some words", from = "3", unit = "Group", severity = Severity.MINOR)
        for (entry in listOf(first, first.copy(from = "30"), Entry(details = "words"))) {
            phone.touch { log.edit { entry }.let { null } }
            assertTrue(log.flush())
            val again = Draft(home.node.incidents()).restore(log.draft!!)
            assertEquals(entry, again)
        }
    }

    @Test
    fun aFieldThatIsRefusedKeepsNoOtherFromBeingSaved() = phones { phones ->
        val phone = phones.phone()
        val log = phone.found("Amina").log()
        phone.touch { log.edit { it.copy(activity = "x".repeat(121), details = "Kept") }.let { null } }
        val state = log.state.until { it.saving == Saving.NOT_SAVED }
        assertEquals(Problem(Trouble.INVALID, listOf("title")), state.problem)
        assertEquals("Kept", phone.home().node.incidents().get(log.draft!!).record.narrative)
        phone.touch { log.edit { it.copy(activity = "Short") }.let { null } }
        assertNull(log.state.until { it.saving == Saving.SAVED }.problem)
    }

    @Test
    fun halfEnteredTextOutlivesTheProcess() = phones { phones ->
        val phone = phones.phone()
        val log = phone.found("Amina").log()
        phone.touch { log.edit { it.copy(details = "Half a sen") }.let { null } }
        log.state.until { it.saving == Saving.SAVED }
        val kept = log.draft
        phone.end()
        val again = phones.phone()
        val restored = again.unlocked().log(kept)
        val state = restored.state.until { !it.restoring }
        assertEquals("Half a sen", state.entry.details)
        again.touch { restored.edit { it.copy(details = it.details + "tence") }.let { null } }
        assertTrue(restored.flush())
        assertEquals("Half a sentence", again.home().node.incidents().get(kept!!).record.narrative)
        assertEquals(1, again.home().node.incidents().page(IncidentFilter(), 9u, null).rows.size)
    }

    @Test
    fun lockingSavesWhatWasJustTyped() = phones { phones ->
        val phone = phones.phone()
        val log = phone.found("Amina").log()
        phone.touch { log.edit { it.copy(details = "The last word") }.let { null } }
        assertEquals(Saving.TYPING, log.state.value.saving)
        phone.touch { phone.app.lock() }
        assertEquals(LogState(), log.state.value)
        val rows = phone.unlocked().node.incidents().page(IncidentFilter(), 9u, null).rows
        assertEquals("The last word", phone.home().node.incidents().get(rows.single().id).record.narrative)
    }

    /** A process types without a pause and is killed, as a phone does it: with no warning. */
    @Test
    fun killedWhileTypingLosesAtMostTheLastSecond() = phones { phones ->
        val phone = phones.phone()
        phone.found("Amina")
        phone.end()
        val java = ProcessHandle.current().info().command().get()
        val library = System.getProperty("jna.library.path")
        var typed = phone.folder.resolve("nothing")
        for (seconds in listOf(1.3, 2.1, 3.2)) {
            typed = Files.createTempFile(phone.folder, "typed", "")
            val writer = ProcessBuilder(
                java, "-Djna.library.path=$library", "-cp", System.getProperty("java.class.path"),
                "firsthand.presentation.TypistKt", phone.folder.toString(), typed.toString(),
            ).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start()
            // Killed when so much was typed as takes that long.
            val characters = (seconds * 1_000 / TYPING_MS).toInt()
            waitFor(writer) { typedLines(typed).size >= characters }
            writer.destroyForcibly().waitFor()
            val killed = System.nanoTime()
            val safe = typedLines(typed).filter { killed - it.second > 1_000_000_000 }.joinToString("") { it.first }
            assertTrue(safe.isNotEmpty())
            val again = phones.phone()
            val newest = again.unlocked().node.incidents().page(IncidentFilter(), 1u, null).rows.single()
            val narrative = again.home().node.incidents().get(newest.id).record.narrative
            assertTrue(narrative.startsWith(safe), "'$narrative' lacks the end of '$safe'")
            again.end()
        }
    }

    private fun typedLines(file: java.nio.file.Path) =
        Files.readAllLines(file).mapNotNull { line ->
            val (text, time) = line.split(' ').takeIf { it.size == 3 && it[2] == "." } ?: return@mapNotNull null
            text to time.toLong()
        }

    private fun waitFor(process: Process, holds: () -> Boolean) {
        while (!holds()) assertFalse(process.waitFor(20, TimeUnit.MILLISECONDS), "it ended by itself")
    }

    private class Nowhere : Location {
        override suspend fun position(): Position = awaitCancellation()
    }

    @Test
    fun aPositionThatNeverComesStopsNobody() = phones { phones ->
        val phone = phones.phone(ports = Platform(location = Nowhere()), positionMs = 200)
        val log = phone.found("Amina").log()
        phone.touch {
            log.findPosition()
            log.edit { it.copy(where = "By the well") }.let { null }
        }
        log.state.until { it.problem == Problem(Trouble.NO_POSITION) && !it.findingPosition }
        assertTrue(log.flush())
        val record = phone.home().node.incidents().get(log.draft!!).record
        assertEquals("By the well" to null, record.placeText to record.place)
    }

    @Test
    fun aPositionIsSavedWithItsAccuracy() = phones { phones ->
        val here = object : Location {
            override suspend fun position() = Position(15.5, 32.5, accuracyM = 8.0, source = PlaceSource.GPS)
        }
        val phone = phones.phone(ports = Platform(location = here))
        val log = phone.found("Amina").log()
        phone.touch { log.findPosition() }
        log.state.until { it.saving == Saving.SAVED }
        assertEquals(8.0, phone.home().node.incidents().get(log.draft!!).record.place!!.accuracyM)
    }

    @Test
    fun aPhotoIsSealedAndNothingOfItStaysOutside() = phones { phones ->
        val phone = phones.phone()
        val log = phone.found("Amina").log()
        val bytes = ByteArray(300_000) { (it % 251).toByte() }
        phone.recording = { folder -> folder.resolve("photo.jpg").apply { writeBytes(bytes) }.path }
        phone.touch { log.record(Recording.PHOTO) }
        assertEquals(1, log.state.value.files)
        assertEquals(0, phone.shell.recordings.list()!!.size)
        val file = phone.home().node.incidents().get(log.draft!!).files.single()
        assertTrue(file.here && file.signed && file.byteLen == 300_000uL)
    }

    @Test
    fun aCameraThatGivesAnEmptyFileOrFails() = phones { phones ->
        val phone = phones.phone()
        val log = phone.found("Amina").log()
        phone.recording = { folder -> folder.resolve("photo.jpg").apply { createNewFile() }.path }
        phone.touch { log.record(Recording.PHOTO) }
        assertEquals(Problem(Trouble.EMPTY_FILE), log.state.value.problem)
        assertEquals(0, phone.shell.recordings.list()!!.size)
        phone.recording = { throw IllegalStateException("the camera is in use") }
        phone.touch { log.record(Recording.VOICE) }
        assertEquals(Problem(Trouble.NO_CAPTURE), log.state.value.problem)
        assertFalse(log.state.value.attaching)
        phone.touch { log.edit { it.copy(details = "All the same") }.let { null } }
        assertTrue(log.flush())
    }

    @Test
    fun aRecordingWhoseProcessEndedIsFoundAgain() = phones { phones ->
        val phone = phones.phone()
        phone.shell.recordings.mkdirs()
        phone.shell.recordings.resolve("left.jpg").writeBytes(ByteArray(1_000) { 7 })
        val log = phone.found("Amina").log()
        log.state.until { it.pending.size == 1 }
        phone.touch { log.retryFiles() }
        assertEquals(1 to emptyList<String>(), log.state.value.let { it.files to it.pending })
        assertEquals(0, phone.shell.recordings.list()!!.size)
    }
}
