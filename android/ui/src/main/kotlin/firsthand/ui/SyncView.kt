package firsthand.ui

import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.text.input.KeyboardType
import firsthand.presentation.SyncScreenState
import uniffi.firsthand.DeviceState
import uniffi.firsthand_record.LocalMoment

/** What the screen of phones can do. */
class SyncActions(
    val look: () -> Unit = {},
    val type: (String) -> Unit = {},
    val meet: () -> Unit = {},
    val invite: () -> Unit = {},
    val dismiss: () -> Unit = {},
)

/** How it stands with each phone. "Everything" is said only where the core says it. */
@Composable
fun SyncView(state: SyncScreenState, act: SyncActions, moment: (Long) -> LocalMoment) {
    val texts = LocalTexts.current
    Page(texts.syncTitle, state.problem, act.dismiss) {
        val sync = state.sync
        if (sync != null) {
            if (sync.devices.isEmpty()) {
                Text(texts.syncNobody, style = MaterialTheme.typography.bodyLarge)
            } else if (sync.allHereComplete) {
                Strong("✓ ${texts.syncComplete}")
            } else {
                Strong(texts.syncIncomplete)
            }
            if (sync.filesPending > 0uL) Small(texts.syncFilesPending(sync.filesPending.toInt()))
            for (device in sync.devices) DeviceView(device, moment)
        }
        if (state.listening == null) {
            Main(texts.syncLook, onClick = act.look)
        } else {
            Text(texts.syncLooking(apart(state.addresses.joinToString(" · "))), style = MaterialTheme.typography.bodyLarge)
        }
        Field(texts.syncAddress, state.address, keyboard = KeyboardType.Uri, onChange = act.type)
        Plain(texts.syncMeet, enabled = state.address.isNotBlank(), onClick = act.meet)
        Plain(texts.syncInvite, onClick = act.invite)
    }
}

@Composable
private fun DeviceView(device: DeviceState, moment: (Long) -> LocalMoment) {
    val texts = LocalTexts.current
    Line {
        Strong(apart(device.name))
        val standing = if (device.connected) "● ${texts.syncConnected}" else "○ ${texts.syncApart}"
        Text(standing, style = MaterialTheme.typography.bodyLarge)
        if (device.complete) {
            Text("✓ ${texts.syncPhoneComplete}", style = MaterialTheme.typography.bodyLarge)
        } else {
            val counts = listOfNotNull(
                device.has?.let { texts.syncHas(it.toInt()) },
                device.lacks?.takeIf { it > 0uL }?.let { texts.syncLacks(it.toInt()) },
                device.filesPending?.takeIf { it > 0uL }?.let { texts.syncFiles(it.toInt()) },
            )
            for (count in counts) Text(count, style = MaterialTheme.typography.bodyLarge)
        }
        Small(device.met?.let { texts.syncLastMet(texts.time(moment(it))) } ?: texts.syncNeverMet)
    }
}
