#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace numacast {

/** /proc/<pid>/stat, as proc(5) numbers its fields. */
struct ProcessStat {
  char state = '?';
  uint64_t userTicks = 0;
  uint64_t systemTicks = 0;
  int64_t threads = 0;
  /** Clock ticks since boot. */
  uint64_t startTime = 0;
  int64_t residentPages = 0;
  int64_t lastCpu = 0;
  /** Wait status of a zombie; 0 too where we may not trace it. */
  int exitCode = 0;
  /** Whether the kernel shows us the fields that need permission to trace, while the process lives. */
  bool traceable = false;

  static std::optional<ProcessStat> read(int pid);
  static std::optional<ProcessStat> parse(std::string_view text);
};

}  // namespace numacast
