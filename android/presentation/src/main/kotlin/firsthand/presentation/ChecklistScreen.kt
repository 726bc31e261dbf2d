package firsthand.presentation

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.sync.withLock
import uniffi.firsthand.ChecklistItem
import uniffi.firsthand.Node
import uniffi.firsthand.RunState

data class ChecklistState(
    val loaded: Boolean = false,
    val lists: List<ChecklistItem> = emptyList(),
    /** The run that is shown; its [RunState.id] is all that has to survive the process. */
    val run: RunState? = null,
    /** What was typed and not saved yet, by item. */
    val typed: Map<String, String> = emptyMap(),
    val problem: Problem? = null,
)

/** What a checklist is called in a language, or else in the first one that it has. */
fun ChecklistItem.titleIn(language: String): String = title[language] ?: title.toSortedMap().values.firstOrNull() ?: templateId

/** The checklists, and one run of one of them. */
class ChecklistScreen(scope: CoroutineScope, private val node: Node, changes: Changes, private val shell: Shell) :
    Screen<ChecklistState>(scope, ChecklistState()) {

    override fun ChecklistState.with(problem: Problem?) = copy(problem = problem)

    init {
        readOn(changes.heard, ::read)
    }

    private suspend fun read() = reading.withLock {
        val lists = node.checklists().all().filter { it.offered }
        val run = shown.value.run?.let { node.checklists().state(it.id, shell.language()) }
        // A run that was left meanwhile stays left.
        shown.update { it.copy(loaded = true, lists = lists, run = if (it.run?.id == run?.id) run else it.run) }
    }

    /** Begins a run. */
    fun begin(checklist: String): Job = act { show(node.checklists().start(checklist, null).id) }

    /** Goes on with a run. */
    fun open(run: String): Job = act { show(run) }

    private suspend fun show(run: String) {
        val state = node.checklists().state(run, shell.language())
        shown.update { it.copy(run = state, typed = emptyMap()) }
    }

    private fun step(work: suspend (String) -> Unit): Job = act {
        val run = shown.value.run?.id ?: return@act
        work(run)
        read()
    }

    fun tick(item: String): Job = step { node.checklists().tick(it, item) }

    fun untick(item: String): Job = step { node.checklists().untick(it, item) }

    fun type(item: String, text: String) = shown.update { it.copy(typed = it.typed + (item to text)) }

    /** Saves what was typed as the answer to an item. */
    fun answer(item: String): Job = step { run ->
        val typed = shown.value.typed[item] ?: return@step
        node.checklists().answer(run, item, typed, "")
        // What was typed while it was being saved stays.
        shown.update { if (it.typed[item] == typed) it.copy(typed = it.typed - item) else it }
    }

    fun complete(): Job = step { node.checklists().complete(it, shell.language()) }

    /** Goes back to the list of checklists. */
    fun leave() = shown.update { it.copy(run = null, typed = emptyMap()) }
}
