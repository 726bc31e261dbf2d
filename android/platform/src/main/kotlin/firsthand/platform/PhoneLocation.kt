package firsthand.platform

import android.Manifest
import android.content.Context
import android.content.pm.PackageManager
import android.location.Location as Fix
import android.location.LocationListener
import android.location.LocationManager
import android.os.Build
import android.os.Bundle
import android.os.Looper
import kotlin.coroutines.resume
import kotlin.coroutines.resumeWithException
import kotlinx.coroutines.suspendCancellableCoroutine
import uniffi.firsthand.Location
import uniffi.firsthand.PortException
import uniffi.firsthand.Position
import uniffi.firsthand_record.PlaceSource

/** Where the phone is: the next fix of its own receivers. No service of anybody else is asked. */
class PhoneLocation(private val context: Context) : Location {
    private val manager = context.getSystemService(LocationManager::class.java)

    override suspend fun position(): Position {
        val manager = manager ?: throw PortException.Unavailable()
        val permission = context.checkSelfPermission(Manifest.permission.ACCESS_FINE_LOCATION)
        val isAllowed = permission == PackageManager.PERMISSION_GRANTED
        val provider = listOf(LocationManager.GPS_PROVIDER, LocationManager.NETWORK_PROVIDER)
            .firstOrNull { isAllowed && manager.isProviderEnabled(it) } ?: throw PortException.Unavailable()
        return next(manager, provider)
    }

    /** The core cancels this when it has waited long enough; the receiver is switched off then. */
    private suspend fun next(manager: LocationManager, provider: String): Position = suspendCancellableCoroutine { waiting ->
        val listener = object : LocationListener {
            override fun onLocationChanged(fix: Fix) {
                manager.removeUpdates(this)
                if (waiting.isActive) waiting.resume(position(fix))
            }

            // Android up to 10 calls these, and ends the app where they are missing.
            override fun onProviderEnabled(provider: String) = Unit

            override fun onProviderDisabled(provider: String) = Unit

            @Deprecated("Android up to 9 calls it")
            override fun onStatusChanged(provider: String?, status: Int, extras: Bundle?) = Unit
        }
        waiting.invokeOnCancellation { manager.removeUpdates(listener) }
        try {
            manager.requestLocationUpdates(provider, 0L, 0f, listener, Looper.getMainLooper())
        } catch (_: SecurityException) {
            // The person took the permission back meanwhile.
            if (waiting.isActive) waiting.resumeWithException(PortException.Unavailable())
        }
    }

    private fun position(fix: Fix): Position {
        @Suppress("DEPRECATION")
        val isMocked = if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) fix.isMock else fix.isFromMockProvider
        return Position(
            lat = fix.latitude,
            lon = fix.longitude,
            alt = if (fix.hasAltitude()) fix.altitude else null,
            accuracyM = if (fix.hasAccuracy()) fix.accuracy.toDouble() else null,
            source = if (fix.provider == LocationManager.GPS_PROVIDER) PlaceSource.GPS else PlaceSource.NETWORK,
            mocked = isMocked,
            fixMs = fix.time,
        )
    }
}
