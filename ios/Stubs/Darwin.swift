// What of Apple's C library the app uses and Linux has not. Nothing of it runs.

public struct clockid_t: Sendable {}
public let CLOCK_MONOTONIC_RAW = clockid_t()

public func clock_gettime_nsec_np(_ clock: clockid_t) -> UInt64 { 0 }

public func sysctlbyname(
    _ name: UnsafePointer<CChar>, _ old: UnsafeMutableRawPointer?, _ oldSize: UnsafeMutablePointer<Int>?,
    _ new: UnsafeMutableRawPointer?, _ newSize: Int
) -> Int32 { -1 }
