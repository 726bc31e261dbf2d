package firsthand.ui

import androidx.compose.foundation.Canvas
import androidx.compose.foundation.background
import androidx.compose.foundation.layout.aspectRatio
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.widthIn
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.remember
import androidx.compose.ui.Modifier
import androidx.compose.ui.geometry.Offset
import androidx.compose.ui.geometry.Size
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp
import com.google.zxing.BarcodeFormat
import com.google.zxing.qrcode.QRCodeWriter
import firsthand.presentation.InviteState
import firsthand.presentation.JoinState

/** What joining can do. */
class JoinActions(
    val scan: () -> Unit = {},
    val code: (String) -> Unit = {},
    val name: (String) -> Unit = {},
    val passphrase: (String) -> Unit = {},
    val begin: () -> Unit = {},
    val compared: (Boolean) -> Unit = {},
    val back: () -> Unit = {},
    val dismiss: () -> Unit = {},
)

@Composable
fun JoinView(state: JoinState, act: JoinActions) {
    val texts = LocalTexts.current
    Page(texts.joinTitle, state.problem, act.dismiss) {
        if (state.words.isNotEmpty()) {
            Compare(state.words, state.waiting, act.compared)
        } else {
            val free = !state.connecting
            Main(texts.joinScan, enabled = free, onClick = act.scan)
            Field(texts.joinCode, state.code, enabled = free, onChange = act.code)
            Field(texts.joinName, state.name, enabled = free, onChange = act.name)
            Field(texts.joinPassphrase, state.passphrase, secret = true, enabled = free, onChange = act.passphrase)
            Main(if (free) texts.joinBegin else texts.joinConnecting, enabled = state.canBegin, onClick = act.begin)
            Plain(texts.commonBack, onClick = act.back)
        }
    }
}

@Composable
fun InviteView(state: InviteState, compared: (Boolean) -> Unit, back: () -> Unit, dismiss: () -> Unit) {
    val texts = LocalTexts.current
    Page(texts.joinInviteTitle, state.problem, dismiss) {
        val (code, joined) = state.code to state.joined
        when {
            joined != null -> Strong("✓ ${texts.joinJoined(apart(joined))}")
            state.words.isNotEmpty() -> Compare(state.words, state.answered, compared)
            code != null -> {
                Text(texts.joinInviteShow, style = MaterialTheme.typography.bodyLarge)
                Code(code)
            }
        }
        Plain(texts.commonBack, onClick = back)
    }
}

/** Three words that two people read to each other, as large as they need. */
@Composable
private fun Compare(words: List<String>, answered: Boolean, compared: (Boolean) -> Unit) {
    val texts = LocalTexts.current
    Text(texts.joinCompare, style = MaterialTheme.typography.bodyLarge)
    Line {
        Text(
            words.joinToString("\n"),
            Modifier.semantics { contentDescription = texts.joinWords(words.joinToString(", ")) },
            style = MaterialTheme.typography.headlineMedium,
        )
    }
    if (answered) {
        Strong(texts.joinWaiting)
    } else {
        Main(texts.joinSame) { compared(true) }
        Plain(texts.joinDiffer) { compared(false) }
    }
}

/** The invitation as a QR code: black on white in the dark too, or cameras do not read it. */
@Composable
private fun Code(text: String) {
    val texts = LocalTexts.current
    val code = remember(text) { QRCodeWriter().encode(text, BarcodeFormat.QR_CODE, 0, 0) }
    Canvas(
        Modifier.widthIn(max = 420.dp).fillMaxWidth().aspectRatio(1f).background(Color.White).padding(8.dp)
            .semantics { contentDescription = texts.joinInviteCode },
    ) {
        val module = size.width / code.width
        for (y in 0 until code.height) {
            for (x in 0 until code.width) {
                if (code[x, y]) drawRect(Color.Black, Offset(x * module, y * module), Size(module + 0.5f, module + 0.5f))
            }
        }
    }
}
