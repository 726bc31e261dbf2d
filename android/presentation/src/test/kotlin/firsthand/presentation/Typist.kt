package firsthand.presentation

import java.io.FileOutputStream
import java.nio.file.Path
import kotlinx.coroutines.delay
import kotlinx.coroutines.runBlocking

/** How long a fast writer takes for a character. */
const val TYPING_MS = 20L

/** Types without a pause until it is killed, and notes each character with its time in a file. */
fun main(arguments: Array<String>) = runBlocking {
    val phone = Phone(Path.of(arguments[0]))
    val log = phone.unlocked().log()
    FileOutputStream(arguments[1], true).use { noted ->
        var at = 0
        while (true) {
            val character = ('a' + at++ % 26).toString()
            phone.touch { log.edit { it.copy(details = it.details + character) }.let { null } }
            noted.write("$character ${System.nanoTime()} .\n".toByteArray())
            delay(TYPING_MS)
        }
    }
}
