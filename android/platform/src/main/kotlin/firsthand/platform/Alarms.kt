package firsthand.platform

import android.app.AlarmManager
import android.app.Notification
import android.app.NotificationChannel
import android.app.NotificationManager
import android.app.PendingIntent
import android.content.BroadcastReceiver
import android.content.Context
import android.content.Intent
import android.os.SystemClock
import firsthand.presentation.OverdueAlarm
import uniffi.firsthand.Notice
import uniffi.firsthand.Notifier

/** What a notification says: that there is something, never about whom. */
class Notices(
    private val context: Context,
    /** The words, and a picture from the app's resources. */
    private val words: (Notice) -> String,
    private val channel: String,
    private val icon: Int,
    /** What a touch opens: the door of the app. */
    private val open: PendingIntent,
) : Notifier {
    override fun show(notice: Notice) {
        val manager = context.getSystemService(NotificationManager::class.java) ?: return
        manager.createNotificationChannel(NotificationChannel(CHANNEL, channel, NotificationManager.IMPORTANCE_HIGH))
        val shown = Notification.Builder(context, CHANNEL)
            .setSmallIcon(icon)
            .setContentTitle(words(notice))
            .setCategory(Notification.CATEGORY_ALARM)
            .setVisibility(Notification.VISIBILITY_PUBLIC)
            .setContentIntent(open)
            .setAutoCancel(true)
            .build()
        manager.notify(notice.ordinal, shown)
    }

    private companion object {
        const val CHANNEL = "alarms"
    }
}

/** Wakes the phone when somebody may be overdue while the home is locked. It holds a time and nothing else. */
class PhoneOverdueAlarm(private val context: Context, private val receiver: Class<out BroadcastReceiver>) : OverdueAlarm {
    override fun set(inMs: Long?) {
        val manager = context.getSystemService(AlarmManager::class.java) ?: return
        val flags = PendingIntent.FLAG_UPDATE_CURRENT or PendingIntent.FLAG_IMMUTABLE
        val intent = PendingIntent.getBroadcast(context, 0, Intent(context, receiver), flags)
        manager.cancel(intent)
        if (inMs == null) return
        val at = SystemClock.elapsedRealtime() + inMs
        try {
            manager.setExactAndAllowWhileIdle(AlarmManager.ELAPSED_REALTIME_WAKEUP, at, intent)
        } catch (_: SecurityException) {
            // Exact alarms are not allowed: some minutes late is better than never.
            manager.setAndAllowWhileIdle(AlarmManager.ELAPSED_REALTIME_WAKEUP, at, intent)
        }
    }
}
