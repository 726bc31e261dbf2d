package firsthand.presentation

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.channels.BufferOverflow
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableSharedFlow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.SharedFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asSharedFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.conflate
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.job
import kotlinx.coroutines.launch
import kotlinx.coroutines.sync.Mutex
import uniffi.firsthand.Happened
import uniffi.firsthand.Observer
import uniffi.firsthand_record.LocalMoment

/** The time of day as the phone shows it. */
fun interface WallClock {
    fun now(): LocalMoment
}

/** Hears what the core tells, and passes it on to the screens. */
class Changes : Observer {
    // A screen that is slow loses the oldest; each reads anew what stands whenever it hears anything.
    private val flow = MutableSharedFlow<Happened>(
        extraBufferCapacity = 256,
        onBufferOverflow = BufferOverflow.DROP_OLDEST,
    )

    val heard: SharedFlow<Happened> = flow.asSharedFlow()

    override fun happened(happened: Happened) {
        flow.tryEmit(happened)
    }
}

/**
 * What one screen shows, and what it does. [scope] runs one thing at a time, as a main thread does. When it ends, because the home is
 * locked or the screen left, nothing of what was shown stays.
 */
abstract class Screen<S : Any>(protected val scope: CoroutineScope, nothing: S) {
    protected val shown = MutableStateFlow(nothing)

    val state: StateFlow<S> = shown.asStateFlow()

    /** One reading at a time, so that what was read earlier is not shown later. */
    protected val reading = Mutex()

    init {
        scope.coroutineContext.job.invokeOnCompletion { shown.value = nothing }
    }

    /** The state with a problem in it, or without one. */
    protected abstract fun S.with(problem: Problem?): S

    /** Does what a person asked for; what fails is shown. */
    protected fun act(work: suspend () -> Unit): Job = scope.launch {
        shown.update { it.with(null) }
        caught(work)
    }

    /** Does something and shows what fails. Says whether it was done. */
    protected suspend fun caught(work: suspend () -> Unit): Boolean = try {
        work()
        true
    } catch (error: CancellationException) {
        throw error
    } catch (error: Exception) {
        shown.update { it.with(problemOf(error)) }
        false
    }

    /** Reads at once, and again each time that something is heard. */
    protected fun readOn(heard: Flow<*>, read: suspend () -> Unit): Job = scope.launch {
        // Listens first: what happens while the first reading runs leads to another one.
        launch { heard.conflate().collect { caught(read) } }
        caught(read)
    }

    /** The person has read what went wrong. */
    fun dismiss() = shown.update { it.with(null) }
}
