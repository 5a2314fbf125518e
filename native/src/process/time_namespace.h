#pragma once

#include <cstdint>
#include <optional>

namespace numacast {

/**
 * How far this process's CLOCK_BOOTTIME is ahead of the host's, in nanoseconds (time_namespaces(7)). The kernel adds it
 * to the start times that this process reads, whichever process they are of. 0 outside a time namespace and on kernels
 * without them; nothing where it cannot be told.
 */
std::optional<int64_t> boottimeOffsetNs();

/**
 * A start time as read here, in clock ticks of the host's CLOCK_BOOTTIME: the same for every reader, but for one tick.
 * The offset need not be a whole number of ticks, and the kernel rounds down after it has added it.
 */
std::optional<double> hostStartTime(uint64_t startTime);

/** Whether two of these are of one start. */
bool isSameStart(double one, double other);

}  // namespace numacast
