package firsthand.presentation

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import uniffi.firsthand.KeyVault
import uniffi.firsthand.Platform
import uniffi.firsthand.PortException
import uniffi.firsthand_record.Assignment
import uniffi.firsthand_record.CheckInRule
import uniffi.firsthand_record.CheckInState
import uniffi.firsthand_record.Incident
import uniffi.firsthand_record.LocalMoment
import uniffi.firsthand_record.Shift
import uniffi.firsthand_record.ShiftStatus

class HomeTest {
    private class Vault : KeyVault {
        var refusal: Exception? = null

        override fun secret(): ByteArray {
            refusal?.let { throw it }
            return ByteArray(32) { it.toByte() }
        }

        override fun installation() = ByteArray(16)
    }

    @Test
    fun aPhoneWithoutAHomeAsksToJoin() = phones { phones ->
        assertEquals(Door.NoHome, phones.phone().app.door.value)
    }

    @Test
    fun aVaultThatRefusesSaysWhatToDo() = phones { phones ->
        val vault = Vault()
        val phone = phones.phone(ports = Platform(vault = vault))
        phone.found("Amina")
        phone.touch { phone.app.lock() }
        val refusals = listOf(
            PortException.Unavailable() to Trouble.KEY_STORE,
            PortException.Gone() to Trouble.KEY_STORE_GONE,
            IllegalStateException("a name") to Trouble.KEY_STORE,
        )
        for ((refusal, trouble) in refusals) {
            vault.refusal = refusal
            phone.touch { phone.app.unlock(PASSPHRASE) }
            assertEquals(Door.Locked(problem = Problem(trouble)), phone.app.door.value)
        }
        vault.refusal = null
        phone.unlocked()
    }

    @Test
    fun aWrongPassphraseCounts() = phones { phones ->
        val phone = phones.phone()
        phone.found("Amina")
        phone.touch { phone.app.lock() }
        phone.touch { phone.app.unlock("wrong") }
        assertEquals(Door.Locked(triesLeft = 9), phone.app.door.value)
        phone.unlocked()
    }

    @Test
    fun aHomeThatVanishesIsSaid() = phones { phones ->
        val phone = phones.phone()
        phone.found("Amina")
        phone.folder.resolve("home").toFile().deleteRecursively()
        phone.touch { phone.app.lock() }
        phone.touch { phone.app.unlock(PASSPHRASE) }
        assertEquals(Door.Locked(problem = Problem(Trouble.HOME_FAILED)), phone.app.door.value)
    }

    @Test
    fun lockingWhileItOpensLocksIt() = phones { phones ->
        val phone = phones.phone()
        phone.found("Amina")
        phone.touch { phone.app.lock() }
        val opening = phone.app.unlock(PASSPHRASE)
        phone.app.lock().join()
        opening.join()
        assertEquals(Door.Locked(), phone.app.door.value)
    }

    @Test
    fun lockingHidesEverythingAtOnce() = phones { phones ->
        val phone = phones.phone()
        val home = phone.found("Amina")
        val saved = home.node.incidents().add(Incident(title = "A name in a title"))
        val detail = home.incident(saved.id)
        detail.state.until { it.detail != null }
        home.incidents.state.until { it.rows.size == 1 }
        home.sync.state.until { it.sync != null }
        home.today.state.until { it.loaded }
        home.board.state.until { it.loaded }
        home.checklists.state.until { it.loaded }
        var doorWhileLocking: Door? = null
        phone.touch {
            phone.app.lock().also { doorWhileLocking = phone.app.door.value }
        }
        assertEquals(Door.Locked(), phone.app.door.value)
        assertTrue(doorWhileLocking is Door.Open || doorWhileLocking == Door.Locked())
        assertEquals(IncidentState(), detail.state.value)
        assertEquals(IncidentsState(), home.incidents.state.value)
        assertEquals(SyncScreenState(), home.sync.state.value)
        assertEquals(TodayState(), home.today.state.value)
        assertEquals(BoardState(), home.board.state.value)
        assertEquals(ChecklistState(), home.checklists.state.value)
        assertFalse(home.node.isOpen())
    }

    @Test
    fun theShiftTheBuddyAndACheckIn() = phones { phones ->
        val phone = phones.phone()
        val home = phone.found("Amina")
        val today = home.today
        assertEquals(null, today.state.until { it.loaded }.mine)
        val (me, now) = home.node.team().state().me to System.currentTimeMillis()
        val moment = { minutes: Long -> LocalMoment(now + minutes * 60_000, 180) }
        val roster = home.node.roster()
        val shift = Shift(title = "Morning", start = moment(-60), end = moment(60), checkInRule = CheckInRule(30u, 5u))
        val id = roster.addShift(shift).id
        roster.assign(id, Assignment(person = me, role = "observer"))
        roster.moveOn(id, ShiftStatus.ACTIVE)
        assertEquals("Morning", today.state.until { it.mine != null }.mine!!.shiftTitle)
        phone.touch { today.checkIn(CheckInState.OK) }
        val state = today.state.value
        assertEquals(CheckInState.OK to false, state.mine!!.state to state.checkingIn)
        assertTrue(state.checkedIn != null && state.problem == null)
        assertEquals("Amina", home.board.state.until { it.lines.isNotEmpty() }.lines.single().name)
        // Locked, the phone still knows when it is overdue, and nothing else.
        phone.touch { phone.app.lock() }
        assertTrue(phone.alarms.last()!! in 1..35 * 60_000L)
        phone.unlocked()
        assertEquals(null, phone.alarms.last())
    }
}
