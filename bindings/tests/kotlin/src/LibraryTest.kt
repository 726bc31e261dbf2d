import java.nio.file.Files
import java.util.concurrent.CompletableFuture
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import uniffi.firsthand.ApiException
import uniffi.firsthand.CancelToken
import uniffi.firsthand.Happened
import uniffi.firsthand.IncidentFilter
import uniffi.firsthand.IncidentItem
import uniffi.firsthand.IncidentListListener
import uniffi.firsthand.KeyVault
import uniffi.firsthand.ListChange
import uniffi.firsthand.Location
import uniffi.firsthand.NewAttachment
import uniffi.firsthand.Node
import uniffi.firsthand.Notice
import uniffi.firsthand.Notifier
import uniffi.firsthand.Platform
import uniffi.firsthand.PlatformClock
import uniffi.firsthand.PortException
import uniffi.firsthand.Position
import uniffi.firsthand.ProgressListener
import uniffi.firsthand.Refusal
import uniffi.firsthand_record.CheckIn
import uniffi.firsthand_record.CheckInState
import uniffi.firsthand_record.Incident
import uniffi.firsthand_record.LocalMoment
import uniffi.firsthand_record.Place
import uniffi.firsthand_record.PlaceSource
import uniffi.firsthand_record.Rule

class LibraryTest {
    @Test
    fun fieldsAreNamed() = homes { homes ->
        val node = homes.found("Amina")
        val bad = Incident(title = "x".repeat(121), place = Place(lat = 91.0, lon = 120.0, source = PlaceSource.GPS))
        val invalid = fails<ApiException.Invalid> { node.incidents().add(bad) }
        assertEquals(
            mapOf("title" to Rule.TOO_LONG, "place.lat" to Rule.LATITUDE_OUT_OF_RANGE),
            invalid.fields.associate { it.field to it.rule },
        )
        assertEquals("id", fails<ApiException.Invalid> { node.incidents().get("no id") }.fields.single().field)
        val missing = fails<ApiException.Refused> { node.incidents().get("00".repeat(16)) }
        assertEquals(Refusal.NOT_FOUND, missing.why)
    }

    @Test
    fun lockUnlockAndClosedTwice() = homes { homes ->
        val node = homes.found("Amina")
        val saved = node.incidents().add(Incident(title = "Kept"))
        node.lock()
        node.lock()
        assertEquals(9u.toUByte(), fails<ApiException.Locked> { node.unlock("wrong") }.triesLeft)
        node.unlock(PASSPHRASE)
        assertEquals("Kept", node.incidents().get(saved.id).record.title)
        fails<ApiException.InUse> { Node.open(homes.path("Amina"), PASSPHRASE, Platform()) }
        node.shutdown()
        fails<ApiException.Locked> { node.shutdown() }
        fails<ApiException.Locked> { node.unlock(PASSPHRASE) }
        homes.keep(Node.open(homes.path("Amina"), PASSPHRASE, Platform()))
    }

    @Test
    fun aHomeThatVanishes() = homes { homes ->
        val node = homes.found("Amina")
        homes.folder.resolve("Amina").toFile().deleteRecursively()
        node.lock()
        fails<ApiException.HomeFailed> { node.unlock(PASSPHRASE) }
    }

    private class Vault : KeyVault {
        var refusal: Exception? = null

        override fun secret(): ByteArray {
            refusal?.let { throw it }
            return ByteArray(32) { it.toByte() }
        }

        override fun installation() = ByteArray(16)
    }

    @Test
    fun aVaultThatRefuses() = homes { homes ->
        val vault = Vault()
        val node = homes.found("Amina", Platform(vault = vault))
        node.lock()
        val refusals = listOf(
            PortException.Unavailable() to false,
            PortException.Gone() to true,
            IllegalStateException("a name") to false,
        )
        for ((refusal, gone) in refusals) {
            vault.refusal = refusal
            assertEquals(gone, fails<ApiException.KeyStore> { node.unlock(PASSPHRASE) }.gone)
        }
        vault.refusal = null
        node.unlock(PASSPHRASE)
    }

    private class Nowhere : Location {
        val cancelled = CompletableFuture<Unit>()

        override suspend fun position(): Position =
            try {
                awaitCancellation()
            } finally {
                cancelled.complete(Unit)
            }
    }

    @Test
    fun aLocationThatNeverComes() = homes { homes ->
        val nowhere = Nowhere()
        val node = homes.found("Amina", Platform(location = nowhere))
        fails<ApiException.NoAnswer> { node.position(100u, null) }
        until { nowhere.cancelled.isDone }
        val cancel = CancelToken()
        cancel.cancel()
        fails<ApiException.Cancelled> { node.position(3_600_000u, cancel) }
    }

    @Test
    fun anEmptyCameraFile() = homes { homes ->
        val node = homes.found("Amina")
        val saved = node.incidents().add(Incident(title = "Empty"))
        val empty = Files.createFile(homes.folder.resolve("photo.jpg"))
        val refused = fails<ApiException.Refused> {
            node.files().attach(saved.id, NewAttachment(path = empty.toString()), null, null)
        }
        assertEquals(Refusal.EMPTY_FILE, refused.why)
    }

    @Test
    fun cancelling() = homes { homes ->
        val node = homes.found("Amina")
        val saved = node.incidents().add(Incident(title = "Long film"))
        val film = homes.folder.resolve("film.mp4")
        Files.write(film, ByteArray(4 shl 20) { (it * 31).toByte() })
        val cancel = CancelToken()
        val listener = object : ProgressListener {
            override fun progress(done: ULong, total: ULong) = cancel.cancel()
        }
        fails<ApiException.Cancelled> {
            node.files().attach(saved.id, NewAttachment(path = film.toString()), listener, cancel)
        }
        assertTrue(node.incidents().get(saved.id).files.isEmpty())
    }

    @Test
    fun aCancelledCoroutineLosesNothing() = homes { homes ->
        val node = homes.found("Amina")
        coroutineScope {
            repeat(20) {
                launch(start = CoroutineStart.UNDISPATCHED) { node.incidents().add(Incident(title = "$it")) }
                    .cancelAndJoin()
            }
        }
        until { node.incidents().page(IncidentFilter(), 50u, null).rows.size == 20 }
    }

    @Test
    fun portsThatThrow() = homes { homes ->
        val observer = object : Collector() {
            override fun happened(happened: Happened) {
                super.happened(happened)
                throw IllegalStateException("an observer that throws")
            }
        }
        val clock = object : PlatformClock {
            override fun now(): LocalMoment = throw IllegalStateException("no clock")

            override fun uptime() = throw PortException.Failed()
        }
        val shown = CompletableFuture<Notice>()
        val notifier = object : Notifier {
            override fun show(notice: Notice) {
                shown.complete(notice)
                throw IllegalStateException("no notifications")
            }
        }
        val node = homes.found("Amina", Platform(observer = observer, clock = clock, notifier = notifier))
        node.incidents().add(Incident(title = "All the same"))
        until { observer.calls.isNotEmpty() }
        val heard = observer.calls.size
        node.roster().checkIn(CheckIn(state = CheckInState.NEED_SUPPORT))
        until { shown.isDone && observer.calls.size > heard }
        assertEquals(Notice.ALARM, shown.get())
    }

    private class Listener : IncidentListListener {
        private val list = ArrayList<IncidentItem>()
        @Volatile var rows = emptyList<IncidentItem>()
        @Volatile var end: ApiException? = null

        override fun changed(changes: List<ListChange>) {
            for (change in changes) {
                when (change) {
                    is ListChange.Inserted -> list.add(change.at.toInt(), change.row)
                    is ListChange.Removed -> list.removeAt(change.at.toInt())
                    is ListChange.Updated -> list[change.at.toInt()] = change.row
                }
            }
            rows = list.toList()
        }

        override fun ended(error: ApiException) {
            end = error
        }
    }

    @Test
    fun tenThousandIncidents() = homes { homes ->
        val node = homes.found("Amina")
        val incidents = node.incidents()
        val report = incidents.importAll((0 until 10_000).map { Incident(title = "Incident $it") }, null, null)
        assertEquals(10_000uL, report.added)
        val seen = mutableListOf<String>()
        val times = mutableListOf<Long>()
        var after: String? = null
        do {
            val began = System.nanoTime()
            val page = incidents.page(IncidentFilter(), 50u, after)
            times.add(System.nanoTime() - began)
            seen += page.rows.map { it.id }
            after = page.next
        } while (after != null)
        assertEquals(10_000, seen.toSet().size)
        println("figure: a page of 50 of 10,000 through Kotlin, median ${times.sorted()[times.size / 2] / 1000} us")
        val listener = Listener()
        val watch = incidents.watch(IncidentFilter(), 50u, listener)
        until { listener.rows.size == 50 }
        assertTrue(watch.more())
        assertEquals(seen.take(100), listener.rows.map { it.id })
        val new = incidents.add(Incident(title = "Newest"))
        until { listener.rows.first().id == new.id }
        incidents.edit(new.id, Incident(title = "Edited"))
        until { listener.rows.first().title == "Edited" }
        assertEquals(100, listener.rows.size)
        node.lock()
        until { listener.end is ApiException.Locked }
    }
}
