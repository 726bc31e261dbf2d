package firsthand.platform

import android.content.Context
import android.net.nsd.NsdManager
import android.net.nsd.NsdServiceInfo
import android.net.wifi.WifiManager
import android.os.Build
import java.net.Inet6Address
import java.net.InetAddress
import java.util.concurrent.Executor
import uniffi.firsthand.Discovery
import uniffi.firsthand.PortException

/** Announces this phone on the local network and looks for others; what it finds it tells [found] and [gone]. */
class NsdDiscovery(
    context: Context,
    private val executor: Executor,
    private val found: (name: String, addresses: List<String>) -> Unit,
    private val gone: (name: String) -> Unit,
) : Discovery {
    private val nsd = context.getSystemService(NsdManager::class.java)
    private val wifi = context.applicationContext.getSystemService(WifiManager::class.java)
    private var multicast: WifiManager.MulticastLock? = null
    private var announcing: NsdManager.RegistrationListener? = null
    private var looking: NsdManager.DiscoveryListener? = null
    private var own = ""

    @Synchronized
    override fun start(name: String, port: UShort) {
        stop()
        val manager = nsd ?: throw PortException.Unavailable()
        own = name
        // Without it Wi-Fi drops what others announce, to save the battery.
        multicast = wifi?.createMulticastLock("firsthand")?.apply {
            setReferenceCounted(false)
            acquire()
        }
        val service = NsdServiceInfo().apply {
            serviceName = name
            serviceType = SERVICE
            setPort(port.toInt())
        }
        announcing = Announcing().also { manager.registerService(service, NsdManager.PROTOCOL_DNS_SD, it) }
        looking = Looking(manager).also { manager.discoverServices(SERVICE, NsdManager.PROTOCOL_DNS_SD, it) }
    }

    @Synchronized
    override fun stop() {
        announcing?.let { quietly { nsd?.unregisterService(it) } }
        looking?.let { quietly { nsd?.stopServiceDiscovery(it) } }
        announcing = null
        looking = null
        multicast?.let { quietly { it.release() } }
        multicast = null
    }

    /** A listener that never got going throws when it is stopped. */
    private fun quietly(work: () -> Unit) {
        try {
            work()
        } catch (_: IllegalArgumentException) {
            // It was not running.
        }
    }

    private class Announcing : NsdManager.RegistrationListener {
        override fun onRegistrationFailed(service: NsdServiceInfo, error: Int) = Unit

        override fun onUnregistrationFailed(service: NsdServiceInfo, error: Int) = Unit

        override fun onServiceRegistered(service: NsdServiceInfo) = Unit

        override fun onServiceUnregistered(service: NsdServiceInfo) = Unit
    }

    private inner class Looking(private val manager: NsdManager) : NsdManager.DiscoveryListener {
        override fun onDiscoveryStarted(type: String) = Unit

        override fun onDiscoveryStopped(type: String) = Unit

        override fun onStartDiscoveryFailed(type: String, error: Int) = Unit

        override fun onStopDiscoveryFailed(type: String, error: Int) = Unit

        override fun onServiceFound(service: NsdServiceInfo) {
            if (service.serviceName == own) return
            if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.UPSIDE_DOWN_CAKE) {
                manager.registerServiceInfoCallback(service, executor, Following(manager))
            } else {
                @Suppress("DEPRECATION")
                manager.resolveService(service, Resolving())
            }
        }

        override fun onServiceLost(service: NsdServiceInfo) = gone(service.serviceName)
    }

    /** Up to Android 13: one service at a time, once. Whoever is missed announces again. */
    private inner class Resolving : NsdManager.ResolveListener {
        override fun onResolveFailed(service: NsdServiceInfo, error: Int) = Unit

        @Suppress("DEPRECATION")
        override fun onServiceResolved(service: NsdServiceInfo) = tell(service, listOfNotNull(service.host))
    }

    private inner class Following(private val manager: NsdManager) : NsdManager.ServiceInfoCallback {
        override fun onServiceInfoCallbackRegistrationFailed(error: Int) = Unit

        override fun onServiceUpdated(service: NsdServiceInfo) {
            tell(service, service.hostAddresses)
            quietly { manager.unregisterServiceInfoCallback(this) }
        }

        override fun onServiceLost() = Unit

        override fun onServiceInfoCallbackUnregistered() = Unit
    }

    private fun tell(service: NsdServiceInfo, hosts: List<InetAddress>) {
        // An address of one link alone means nothing without that link's name, which does not cross.
        val usable = hosts.filterNot { it.isLinkLocalAddress }
        val addresses = usable.mapNotNull { host ->
            val text = host.hostAddress ?: return@mapNotNull null
            if (host is Inet6Address) "[$text]:${service.port}" else "$text:${service.port}"
        }
        if (addresses.isNotEmpty()) found(service.serviceName, addresses)
    }

    private companion object {
        /** As laptops announce themselves. */
        const val SERVICE = "_firsthand._tcp"
    }
}
