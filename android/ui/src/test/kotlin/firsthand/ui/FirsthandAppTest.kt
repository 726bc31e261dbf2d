package firsthand.ui

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import androidx.compose.ui.geometry.Size
import androidx.compose.ui.test.ExperimentalTestApi
import androidx.compose.ui.test.SkikoComposeUiTest
import androidx.compose.ui.test.hasText
import androidx.compose.ui.test.onNodeWithContentDescription
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performTextInput
import androidx.compose.ui.test.runSkikoComposeUiTest
import androidx.compose.ui.unit.Density
import firsthand.presentation.App
import firsthand.presentation.JoinScreen
import firsthand.presentation.Shell
import firsthand.texts.textsOf
import java.nio.file.Files
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.emptyFlow
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Test
import uniffi.firsthand.Node
import uniffi.firsthand.Platform
import uniffi.firsthand_record.LocalMoment

/** The whole app on the real core, by touch. */
@OptIn(ExperimentalTestApi::class)
class FirsthandAppTest {
    private val folder = Files.createTempDirectory("firsthand")
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default.limitedParallelism(1))
    private val home = folder.resolve("home").toString()
    private val app = App(
        home,
        Platform(),
        scope,
        Shell(
            clock = { LocalMoment(System.currentTimeMillis(), 180) },
            recorder = { _, _ -> null },
            recordings = folder.resolve("recordings").toFile(),
            overdueAlarm = { },
            ticks = emptyFlow(),
            listenAt = "127.0.0.1:0",
        ),
    )

    private fun SkikoComposeUiTest.shows(text: String) {
        waitUntil("'$text' is shown", 60_000) { onAllNodes(hasText(text, substring = true)).fetchSemanticsNodes().isNotEmpty() }
    }

    private fun SkikoComposeUiTest.touch(text: String) {
        shows(text)
        onNodeWithText(text).performClick()
    }

    @Test
    fun aShiftByTouch() {
        try {
            runBlocking { app.joined(Node.create(home, PASSPHRASE, "River", "Amina", app.platform)).join() }
            runSkikoComposeUiTest(Size(720f, 6_000f), Density(2f)) { byTouch() }
        } finally {
            runBlocking { app.shutdown() }
            scope.cancel()
            folder.toFile().deleteRecursively()
        }
    }

    private fun SkikoComposeUiTest.byTouch() {
        val join = JoinScreen(scope, home, app.platform) { }
        var navigator by mutableStateOf(Navigator())
        setContent {
            FirsthandTheme(textsOf("en"), isDark = true) {
                FirsthandApp(app, navigator, join, {}, { LocalMoment(it, 180) })
            }
        }
        touch("I am OK")
        shows("Check-in saved at")

        touch("Log an incident")
        onNodeWithContentDescription("What is happening").performTextInput("Men with sticks")
        shows("is saved on this phone")
        val draft = assertNotNullAnd(navigator.kept)

        // The process ends and comes back: all that the phone kept is the draft's id.
        navigator = Navigator(draft)
        shows("Men with sticks")
        onNodeWithContentDescription("How many people: at least").performTextInput("40")

        // Locked while it is written, with the last digits not yet saved: unlocked, it goes on where it was.
        app.lock()
        shows("Locked")
        onNodeWithContentDescription("Passphrase").performTextInput(PASSPHRASE)
        touch("Unlock")
        shows("Men with sticks")
        shows("40")
        touch("Done")
        shows("I am OK")

        touch("Incidents")
        touch("Men with sticks")
        shows("Only on this phone")
        shows("Who changed what")
        shows("40")
        touch("Back")
        touch("Today")

        touch("Lock now")
        shows("Locked")
        assertEquals(0, onAllNodes(hasText("Men with sticks", substring = true)).fetchSemanticsNodes().size)
        onNodeWithContentDescription("Passphrase").performTextInput("wrong")
        touch("Unlock")
        shows("9 tries are left")
        onNodeWithContentDescription("Passphrase").performTextInput(PASSPHRASE)
        touch("Unlock")
        shows("I am OK")
    }

    private fun assertNotNullAnd(text: String?): String {
        assertNotNull(text)
        return text!!
    }

    private companion object {
        const val PASSPHRASE = "five words picked at random"
    }
}
