#pragma once

#include <cstdint>
#include <optional>

namespace numacast {

/**
 * What is left of a process of which no thread can run any more: a zombie, or one whose memory and descriptors the
 * kernel is still taking apart, which takes it some 100 ms per GB.
 */
struct Remains {
  /** Nothing where we may not trace it: the kernel does not tell us then. */
  std::optional<int> waitStatus;

  /** Nothing as long as any thread may run, or when there is no such process. */
  static std::optional<Remains> find(int pid, uint64_t startTime);
};

}  // namespace numacast
