package firsthand.app

import android.content.BroadcastReceiver
import android.content.Context
import android.content.Intent
import uniffi.firsthand.Notice

/** The alarm that was set when the home was locked: somebody may be overdue. It knows no more. */
class OverdueReceiver : BroadcastReceiver() {
    override fun onReceive(context: Context, intent: Intent) {
        (context.applicationContext as FirsthandApplication).notices.show(Notice.OVERDUE)
    }
}
