import java.io.File
import java.nio.file.Files
import java.nio.file.Path
import java.util.concurrent.CopyOnWriteArrayList
import kotlinx.coroutines.delay
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import uniffi.firsthand.ApiException
import uniffi.firsthand.Happened
import uniffi.firsthand.Happening
import uniffi.firsthand.Joining
import uniffi.firsthand.Node
import uniffi.firsthand.Observer
import uniffi.firsthand.Platform
import uniffi.firsthand.PlatformClock
import uniffi.firsthand.TeamRole
import uniffi.firsthand.Uptime
import uniffi.firsthand_record.LocalMoment

const val PASSPHRASE = "five words picked at random"

/** Collects what happened. */
open class Collector : Observer {
    val calls = CopyOnWriteArrayList<Happened>()

    override fun happened(happened: Happened) {
        calls.add(happened)
    }

    inline fun <reified T : Happening> last(): T? =
        calls.flatMap { it.happenings }.filterIsInstance<T>().lastOrNull()

    suspend inline fun <reified T : Happening> await(): T {
        until { last<T>() != null }
        return last<T>()!!
    }
}

/** A phone's clock that is off by so many milliseconds. */
class Clock(private val aheadMs: Long) : PlatformClock {
    override fun now() = LocalMoment(System.currentTimeMillis() + aheadMs, 60)

    override fun uptime() = Uptime("b", (System.nanoTime() / 1_000_000).toULong())
}

suspend fun until(holds: suspend () -> Boolean) = withTimeout(60_000) { while (!holds()) delay(10) }

/** Homes of one test, closed when it ends. */
class Homes(val folder: Path) {
    private val nodes = mutableListOf<Node>()
    val observers = mutableMapOf<String, Collector>()

    fun path(name: String) = folder.resolve(name).toString()

    fun platform(name: String, ports: Platform = Platform()) =
        ports.copy(observer = ports.observer ?: observers.getOrPut(name) { Collector() })

    fun keep(node: Node) = node.also { nodes.add(it) }

    suspend fun found(name: String, ports: Platform = Platform()) =
        keep(Node.create(path(name), PASSPHRASE, "River", name, platform(name, ports)))

    /** Lets somebody join by an invitation; gives their home and where the lead listens. */
    suspend fun join(lead: Node, leadName: String, name: String, ports: Platform = Platform()): Pair<Node, String> {
        val address = lead.syncing().listen("127.0.0.1:0")
        val code = lead.team().invite(TeamRole.RESPONDER, listOf(address))
        val joining = Joining.begin(path(name), PASSPHRASE, code, name, platform(name, ports))
        val words = joining.words()
        until { observers[leadName]!!.last<Happening.Words>()?.words == words }
        lead.team().compared(observers[leadName]!!.last<Happening.Words>()!!.link, true)
        return keep(joining.confirm()) to address
    }

    suspend fun close() {
        for (node in nodes) {
            try {
                node.shutdown()
            } catch (_: ApiException.Locked) {
                // The test closed it.
            }
        }
    }
}

/** Runs a test with homes in a folder of its own. */
fun homes(test: suspend (Homes) -> Unit) = runBlocking {
    val folder = Files.createTempDirectory("firsthand")
    val homes = Homes(folder)
    try {
        test(homes)
    } finally {
        homes.close()
        File(folder.toString()).deleteRecursively()
    }
}

suspend inline fun <reified T : Throwable> fails(work: () -> Unit): T {
    try {
        work()
    } catch (error: Throwable) {
        if (error is T) return error
        throw error
    }
    throw AssertionError("it did not fail with ${T::class.simpleName}")
}
