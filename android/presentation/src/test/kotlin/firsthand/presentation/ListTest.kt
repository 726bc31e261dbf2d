package firsthand.presentation

import java.nio.file.Files
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import uniffi.firsthand.NewAttachment
import uniffi.firsthand.Node
import uniffi.firsthand.Settled
import uniffi.firsthand_record.Incident
import uniffi.firsthand_record.Severity

class ListTest {
    @Test
    fun manyIncidentsComeByPagesOfFifty() = phones { phones ->
        val phone = phones.phone()
        val home = phone.found("Amina")
        home.node.incidents().importAll((1..120).map { Incident(title = "Incident $it") }, null, null)
        val list = home.incidents
        assertTrue(list.state.until { it.rows.size == 50 }.more)
        phone.touch { list.more() }
        assertTrue(list.state.until { it.rows.size == 100 }.more)
        phone.touch { list.more() }
        assertFalse(list.state.until { it.rows.size == 120 && !it.more }.more)
        home.node.incidents().add(Incident(title = "Newest"))
        list.state.until { it.rows.first().title == "Newest" }
        phone.touch { list.search("Newest").let { null } }
        assertEquals(1, list.state.until { it.rows.size == 1 }.rows.size)
        phone.touch { list.search("nothing has this word").let { null } }
        list.state.until { it.rows.isEmpty() && it.search.startsWith("nothing") }
        phone.touch { list.search("").let { null } }
        list.state.until { it.rows.size == 50 }
    }

    @Test
    fun joiningConflictsAndPhones() = phones { phones ->
        val lead = phones.phone("lead")
        val leadHome = lead.found("Amina")
        val other = phones.phone("other")
        // Joining, with both screens.
        val invite = leadHome.invite()
        lead.touch { leadHome.sync.look() }
        lead.touch { invite.invite(leadHome.sync.state.value.listening) }
        val join = JoinScreen(other.scope, other.homePath, other.app.platform) { node -> other.app.joined(node).join() }
        other.touch {
            join.code(invite.state.value.code!!)
            join.name("Bakri")
            join.passphrase(PASSPHRASE)
            join.begin()
        }
        assertEquals(null, join.state.value.problem)
        assertEquals(join.state.value.words, invite.state.until { it.words.isNotEmpty() }.words)
        lead.touch { invite.compared(true) }
        other.touch { join.compared(true) }
        assertEquals("Bakri", invite.state.until { it.joined != null }.joined)
        val otherHome = other.home()
        assertEquals(JoinState(), join.state.value)

        // Two people change the same field while apart.
        val id = leadHome.node.incidents().add(Incident(title = "Crowd", severity = Severity.UNKNOWN)).id
        val address = leadHome.sync.state.value.addresses.first()
        otherHome.node.syncing().meetOnce(address, null)
        leadHome.node.incidents().edit(id, Incident(severity = Severity.MODERATE))
        otherHome.node.incidents().edit(id, Incident(severity = Severity.SEVERE))
        val photo = Files.write(other.folder.resolve("photo.bin"), ByteArray(200_000) { (it * 7).toByte() })
        otherHome.node.files().attach(id, NewAttachment(path = photo.toString()), null, null)

        // The phones' states, until each holds everything.
        other.touch {
            otherHome.sync.type(" $address ")
            otherHome.sync.meet()
        }
        val synced = leadHome.sync.state.until { state ->
            state.sync?.allHereComplete == true && state.sync!!.devices.single().complete
        }
        assertEquals(0uL to 0uL, synced.sync!!.devices.single().let { it.lacks to it.filesPending })

        val screen = leadHome.incident(id)
        val conflict = screen.state.until { it.detail?.conflicts?.size == 1 && it.detail!!.files.size == 1 }.detail!!
        assertEquals(Severity.SEVERE, conflict.record.severity)
        val pick = conflict.conflicts.single().candidates.single { it.value.severity == Severity.MODERATE }
        lead.touch { screen.resolve("severity", pick.key) }
        assertEquals(Settled.COUNTS, screen.state.value.settled)
        assertEquals(Severity.MODERATE, screen.state.value.detail!!.record.severity)
        assertTrue(screen.state.value.history.any { it.field == "severity" && it.person == "Bakri" })
        // The other phone's screen follows by itself.
        otherHome.incident(id).state.until {
            it.detail?.conflicts?.isEmpty() == true && it.detail?.record?.severity == Severity.MODERATE
        }
        // What was decided meanwhile is not decided twice.
        lead.touch { screen.resolve("severity", pick.key) }
        assertEquals(Trouble.CONFLICT, screen.state.value.problem!!.trouble)
    }

    @Test
    fun wordsThatDifferMakeNoHome() = phones { phones ->
        val lead = phones.phone("lead")
        val invite = lead.found("Amina").invite()
        lead.touch { invite.invite(null) }
        val other = phones.phone("other")
        val join = JoinScreen(other.scope, other.homePath, other.app.platform) { node: Node -> other.app.joined(node).join() }
        other.touch {
            join.code(invite.state.value.code!!)
            join.name("Bakri")
            join.passphrase(PASSPHRASE)
            join.begin()
        }
        invite.state.until { it.words.isNotEmpty() }
        other.touch { join.compared(false) }
        assertEquals(Door.NoHome, other.app.door.value)
        invite.state.until { it.words.isEmpty() }
        other.touch { join.code("no invitation").let { join.begin() } }
        assertEquals(Problem(Trouble.BAD_CODE), join.state.value.problem)
    }

    /** Checklists are published on a laptop: the phone only works through them. */
    @Test
    fun aChecklistIsWorkedThrough() = phones { phones ->
        val phone = phones.phone()
        phone.found("Amina")
        phone.end()
        val list = Files.writeString(phone.folder.resolve("checkpoint.md"), CHECKLIST)
        val again = phones.phone()
        program(phone, "checklist", "import", list.toString())
        program(phone, "checklist", "publish", "checkpoint")
        val screen = again.unlocked().checklists
        val item = screen.state.until { it.lists.isNotEmpty() }.lists.single()
        again.touch { screen.begin(item.id) }
        val run = screen.state.value.run!!
        assertEquals(listOf("Radio works", "How many are you"), run.items.map { it.label })
        again.touch { screen.complete() }
        assertFalse(screen.state.value.problem == null)
        again.touch { screen.tick(run.items[0].itemId) }
        again.touch {
            screen.type(run.items[1].itemId, "3")
            screen.answer(run.items[1].itemId)
        }
        assertEquals(run.total, screen.state.value.run!!.done)
        assertEquals(emptyMap<String, String>(), screen.state.value.typed)
        again.touch { screen.complete() }
        assertTrue(screen.state.value.run!!.over)
    }

    private fun program(phone: Phone, vararg arguments: String) {
        val command = listOf(System.getProperty("firsthand.program"), "--home", phone.homePath) + arguments
        val process = ProcessBuilder(command).redirectErrorStream(true)
            .apply { environment()["FIRSTHAND_PASSPHRASE"] = PASSPHRASE }.start()
        process.outputStream.close()
        val said = process.inputStream.reader().readText()
        assertEquals(0, process.waitFor(), said)
    }

    private companion object {
        const val CHECKLIST = """| survey |
| | type | name | label | required |
| | acknowledge | radio | Radio works | yes |
| | integer | people | How many are you | yes |
"""
    }
}
