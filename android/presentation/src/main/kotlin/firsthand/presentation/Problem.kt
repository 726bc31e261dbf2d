package firsthand.presentation

import uniffi.firsthand.ApiException
import uniffi.firsthand.Refusal

/** Why something was not done, as far as a screen says it. */
enum class Trouble {
    LOCKED,
    KEY_STORE,
    KEY_STORE_GONE,
    STORAGE_FULL,
    IN_USE,
    NEWER_APP,
    INVALID,
    NOT_FOUND,
    EXISTS,
    NOT_ALLOWED,
    REMOVED,
    CONFLICT,
    EMPTY_FILE,
    BAD_CODE,
    NO_ANSWER,
    HOME_FAILED,
    NO_CAPTURE,
    NO_POSITION,
    OTHER,
}

/** Something that was not done; [fields] are the names of those to put right. */
data class Problem(val trouble: Trouble, val fields: List<String> = emptyList())

/** What a screen says of an error; `null` where it says nothing, because the person cancelled it. */
fun problemOf(error: Exception): Problem? = when (error) {
    is ApiException.Cancelled -> null
    is ApiException.Locked -> Problem(Trouble.LOCKED)
    is ApiException.KeyStore -> Problem(if (error.gone) Trouble.KEY_STORE_GONE else Trouble.KEY_STORE)
    is ApiException.StorageFull -> Problem(Trouble.STORAGE_FULL)
    is ApiException.InUse -> Problem(Trouble.IN_USE)
    is ApiException.NewerApp -> Problem(Trouble.NEWER_APP)
    is ApiException.Invalid -> Problem(Trouble.INVALID, error.fields.map { it.field })
    is ApiException.NoAnswer -> Problem(Trouble.NO_ANSWER)
    is ApiException.HomeFailed -> Problem(Trouble.HOME_FAILED)
    is ApiException.Refused -> Problem(
        when (error.why) {
            Refusal.NOT_FOUND, Refusal.AMBIGUOUS -> Trouble.NOT_FOUND
            Refusal.EXISTS -> Trouble.EXISTS
            Refusal.NOT_ALLOWED -> Trouble.NOT_ALLOWED
            Refusal.REMOVED -> Trouble.REMOVED
            Refusal.CONFLICT -> Trouble.CONFLICT
            Refusal.EMPTY_FILE -> Trouble.EMPTY_FILE
            Refusal.BAD_CODE -> Trouble.BAD_CODE
            Refusal.OTHER -> Trouble.OTHER
        },
    )
    else -> Problem(Trouble.OTHER)
}
