package firsthand.presentation

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.job
import kotlinx.coroutines.launch
import uniffi.firsthand.Happening
import uniffi.firsthand.Nearby
import uniffi.firsthand.Node
import uniffi.firsthand.SyncState
import uniffi.firsthand.TeamRole

data class SyncScreenState(
    /** How it stands with everybody of the team. */
    val sync: SyncState? = null,
    /** Where this phone waits for others; `null` while it does not look. */
    val listening: String? = null,
    /** Where others reach it now, most likely first. */
    val addresses: List<String> = emptyList(),
    val address: String = "",
    val problem: Problem? = null,
)

/** How it stands with each other phone, and meeting them. */
class SyncScreen(scope: CoroutineScope, private val node: Node, changes: Changes, private val shell: Shell) :
    Screen<SyncScreenState>(scope, SyncScreenState()) {
    private var nearby: Nearby? = null

    override fun SyncScreenState.with(problem: Problem?) = copy(problem = problem)

    init {
        readOn(changes.heard) {
            val sync = node.syncing().state()
            val addresses = shown.value.listening?.let(node.syncing()::reachable).orEmpty()
            shown.update { it.copy(sync = sync, addresses = addresses) }
        }
        // What looks for others goes on until it is dropped.
        scope.coroutineContext.job.invokeOnCompletion { nearby?.close() }
    }

    /** Waits for other phones, and begins to look for them. What the shell's discovery finds it tells [found]. */
    fun look(): Job = act {
        if (shown.value.listening != null) return@act
        val listening = node.syncing().listen(shell.listenAt)
        val addresses = node.syncing().reachable(listening)
        shown.update { it.copy(listening = listening, addresses = addresses) }
        nearby = node.syncing().lookAround(listening, false)
    }

    /** A phone announces itself on the network. */
    fun found(name: String, addresses: List<String>): Job = act { nearby?.saw(name, addresses) }

    /** A phone has said that it goes. */
    fun gone(name: String): Job = act { nearby?.gone(name) }

    fun type(address: String) = shown.update { it.copy(address = address) }

    /** Connects with a phone at the address that was typed: the owner of a hotspot is often invisible to the others. */
    fun meet(): Job = act {
        node.syncing().meet(shown.value.address.trim())
        shown.update { it.copy(address = "") }
    }
}

data class InviteState(
    /** What the QR code holds. */
    val code: String? = null,
    /** Somebody uses it: the words to compare. */
    val words: List<String> = emptyList(),
    /** Whether the person has answered that they are the same. */
    val answered: Boolean = false,
    /** Who joined. */
    val joined: String? = null,
    val problem: Problem? = null,
)

/** Inviting one person by a QR code. */
class InviteScreen(scope: CoroutineScope, private val node: Node, changes: Changes, private val shell: Shell) :
    Screen<InviteState>(scope, InviteState()) {
    private var link: ULong? = null

    override fun InviteState.with(problem: Problem?) = copy(problem = problem)

    init {
        scope.launch {
            changes.heard.collect { heard -> heard.happenings.forEach(::hear) }
        }
    }

    private fun hear(happening: Happening) {
        when (happening) {
            is Happening.Words -> {
                link = happening.link
                shown.update { it.copy(words = happening.words, answered = false) }
            }
            is Happening.Joined ->
                if (happening.link == link) shown.update { it.copy(joined = happening.name, words = emptyList()) }
            is Happening.Ended ->
                // Somebody who broke off may try again with the same code.
                if (happening.link == link && shown.value.joined == null) {
                    shown.update { it.copy(words = emptyList(), answered = false) }
                }
            else -> {}
        }
    }

    /** Makes the code. [listening]: where this phone waits already. */
    fun invite(listening: String?, role: TeamRole = TeamRole.RESPONDER): Job = act {
        val waits = listening ?: node.syncing().listen(shell.listenAt)
        val code = node.team().invite(role, node.syncing().reachable(waits))
        shown.update { it.copy(code = code, joined = null) }
    }

    /** The person says whether the words are the same on both screens. */
    fun compared(same: Boolean): Job = act {
        val link = link ?: return@act
        shown.update { if (same) it.copy(answered = true) else it.copy(words = emptyList()) }
        node.team().compared(link, same)
    }

    /** Leaves, and takes back a code that nobody used. */
    fun leave(): Job = act {
        if (shown.value.joined == null) node.team().uninvite()
    }.also { job -> job.invokeOnCompletion { scope.cancel() } }
}
