package firsthand.presentation

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.update
import uniffi.firsthand.Joining
import uniffi.firsthand.Node
import uniffi.firsthand.Platform

data class JoinState(
    val code: String = "",
    val name: String = "",
    val passphrase: String = "",
    val connecting: Boolean = false,
    /** The words to compare; empty before. */
    val words: List<String> = emptyList(),
    /** The person said that they are the same; the other side has not yet. */
    val waiting: Boolean = false,
    val problem: Problem? = null,
) {
    val canBegin get() = code.isNotBlank() && name.isNotBlank() && passphrase.isNotEmpty() && !connecting

    /** Nobody's passphrase reaches a log by way of a state that is printed. */
    override fun toString() = "JoinState(words=${words.size}, connecting=$connecting, waiting=$waiting, problem=$problem)"
}

/** Joining a team by a QR code. [joined] goes on with the home that was made. */
class JoinScreen(
    scope: CoroutineScope,
    private val folder: String,
    private val platform: Platform,
    private val joined: suspend (Node) -> Unit,
) : Screen<JoinState>(scope, JoinState()) {
    private var joining: Joining? = null

    override fun JoinState.with(problem: Problem?) = copy(problem = problem)

    fun code(text: String) = shown.update { it.copy(code = text) }

    fun name(text: String) = shown.update { it.copy(name = text) }

    fun passphrase(text: String) = shown.update { it.copy(passphrase = text) }

    /** Reaches whoever shows the code. */
    fun begin(): Job = act {
        val typed = shown.value
        if (!typed.canBegin) return@act
        shown.update { it.copy(connecting = true) }
        try {
            val begun = Joining.begin(folder, typed.passphrase, typed.code.trim(), typed.name.trim(), platform)
            joining = begun
            shown.update { it.copy(words = begun.words()) }
        } finally {
            shown.update { it.copy(connecting = false) }
        }
    }

    /** The person says whether the words are the same. The home is made only where both say so. */
    fun compared(same: Boolean): Job = act {
        val asked = joining ?: return@act
        joining = null
        if (!same) {
            shown.update { it.copy(words = emptyList()) }
            asked.decline()
            return@act
        }
        shown.update { it.copy(waiting = true) }
        try {
            val node = asked.confirm()
            shown.value = JoinState()
            joined(node)
        } finally {
            shown.update { it.copy(waiting = false, words = emptyList()) }
        }
    }
}
