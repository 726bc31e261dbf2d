import Darwin
import FirsthandCore
import Foundation

/// The phone's clocks.
final class PhoneClock: PlatformClock {
    func now() -> LocalMoment { localMoment(atMs: Int64(Date().timeIntervalSince1970 * 1_000)) }

    /// The continuous clock goes on while the phone sleeps, and nobody can set it.
    func uptime() throws -> Uptime? {
        var size = 37
        var session = [UInt8](repeating: 0, count: size)
        guard sysctlbyname("kern.bootsessionuuid", &session, &size, nil, 0) == 0 else { return nil }
        let nanoseconds = clock_gettime_nsec_np(CLOCK_MONOTONIC_RAW)
        let boot = String(decoding: session.prefix { $0 != 0 }, as: UTF8.self)
        return Uptime(boot: boot, ms: nanoseconds / 1_000_000)
    }
}
