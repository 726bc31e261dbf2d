package firsthand.ui

import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import firsthand.presentation.Door

/** Before the home is open. Nothing of the team is on it, not even its name. */
@Composable
fun LockView(door: Door, unlock: (String) -> Unit, join: () -> Unit) {
    val texts = LocalTexts.current
    // Not kept over the process: a passphrase is typed again.
    var passphrase by remember { mutableStateOf("") }
    val locked = door as? Door.Locked
    if (door == Door.NoHome) {
        Page(texts.joinTitle) {
            Text(texts.lockWelcome, style = MaterialTheme.typography.bodyLarge)
            Main(texts.lockJoin, onClick = join)
        }
        return
    }
    Page(texts.lockTitle) {
        Text(texts.lockExplain, style = MaterialTheme.typography.bodyLarge)
        Field(texts.lockPassphrase, passphrase, secret = true, enabled = door != Door.Opening) { passphrase = it }
        locked?.triesLeft?.let { Alarm(texts.lockWrong(it)) }
        locked?.problem?.let { Alarm(texts.problem(it)) }
        val label = if (door == Door.Opening) texts.lockOpening else texts.lockUnlock
        Main(label, enabled = passphrase.isNotEmpty() && locked != null) {
            unlock(passphrase)
            passphrase = ""
        }
    }
}
