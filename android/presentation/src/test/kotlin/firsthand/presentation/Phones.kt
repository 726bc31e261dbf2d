package firsthand.presentation

import java.io.File
import java.nio.file.Files
import java.nio.file.Path
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.emptyFlow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.job
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import uniffi.firsthand.Node
import uniffi.firsthand.Platform
import uniffi.firsthand_record.LocalMoment

const val PASSPHRASE = "five words picked at random"

/** Waits until a screen shows something. */
suspend fun <S> StateFlow<S>.until(holds: (S) -> Boolean): S = withTimeout(60_000) { first(holds) }

/** A phone of a test: the real core behind the screens, with a camera that gives what the test says. */
class Phone(val folder: Path, ports: Platform = Platform(), positionMs: Long = 30_000) {
    // One thing at a time, as on a main thread.
    val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default.limitedParallelism(1))
    var recording: (File) -> String? = { null }
    val alarms = mutableListOf<Long?>()
    val shell = Shell(
        clock = { LocalMoment(System.currentTimeMillis(), 180) },
        recorder = { _, folder -> recording(folder) },
        recordings = folder.resolve("recordings").toFile(),
        overdueAlarm = { alarms += it },
        ticks = emptyFlow(),
        listenAt = "0.0.0.0:0",
        positionMs = positionMs,
    )
    val homePath = folder.resolve("home").toString()
    val app = App(homePath, ports, scope, shell)

    suspend fun found(name: String): Home {
        app.joined(Node.create(homePath, PASSPHRASE, "River", name, app.platform)).join()
        return home()
    }

    fun home() = (app.door.value as Door.Open).home

    suspend fun unlocked(): Home {
        app.unlock(PASSPHRASE).join()
        return home()
    }

    suspend fun end() {
        app.shutdown()
        scope.coroutineContext.job.cancelAndJoin()
    }
}

/** The phones of one test, ended when it ends. */
class Phones(private val folder: Path) {
    private val all = mutableListOf<Phone>()

    fun phone(name: String = "phone", ports: Platform = Platform(), positionMs: Long = 30_000): Phone =
        Phone(Files.createDirectories(folder.resolve(name)), ports, positionMs).also { all += it }

    suspend fun end() = all.forEach { it.end() }
}

fun phones(test: suspend (Phones) -> Unit) = runBlocking {
    val folder = Files.createTempDirectory("firsthand")
    val phones = Phones(folder)
    try {
        test(phones)
    } finally {
        phones.end()
        folder.toFile().deleteRecursively()
    }
}

/** Runs on the thread of the screens and waits until it is done. */
suspend fun Phone.touch(work: () -> Job?) {
    kotlinx.coroutines.withContext(scope.coroutineContext.minusKey(Job)) { work() }?.join()
}
