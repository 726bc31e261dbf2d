package firsthand.platform

import android.content.Context
import android.os.SystemClock
import android.provider.Settings
import firsthand.presentation.WallClock
import java.util.TimeZone
import uniffi.firsthand.PlatformClock
import uniffi.firsthand.Uptime
import uniffi.firsthand_record.LocalMoment

/** The phone's clocks: the one that people set, and the one that nobody can. */
class PhoneClock(private val context: Context) : PlatformClock, WallClock {
    override fun now(): LocalMoment = moment(System.currentTimeMillis())

    /** A moment as this phone shows it. */
    fun moment(ms: Long) = LocalMoment(ms, (TimeZone.getDefault().getOffset(ms) / 60_000).toShort())

    override fun uptime(): Uptime? {
        val boot = Settings.Global.getInt(context.contentResolver, Settings.Global.BOOT_COUNT, -1)
        // Without a number for the start nobody can tell one start from the next.
        return if (boot < 0) null else Uptime(boot.toString(), SystemClock.elapsedRealtime().toULong())
    }
}
