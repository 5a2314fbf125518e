#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace numacast {

/** /proc/<pid>/stat, as proc(5) numbers its fields. */
struct ProcessStat {
  char state = '?';
  /** PF_* of linux/sched.h. */
  uint64_t flags = 0;
  uint64_t userTicks = 0;
  uint64_t systemTicks = 0;
  int64_t threads = 0;
  /** Clock ticks since boot, shifted by the time namespace of this process: see time_namespace.h. */
  uint64_t startTime = 0;
  int64_t residentPages = 0;
  int64_t lastCpu = 0;
  /** Wait status of a process that has ended; 0 too where we may not trace it. */
  int exitCode = 0;
  /** Whether the kernel shows us the fields that need permission to trace, while the process lives. */
  bool traceable = false;

  /** On its way out, or a zombie: it runs no program any more, makes no system call and starts no thread. */
  bool exiting() const { return (flags & kExiting) != 0; }

  /** `error`, when given: the errno of a file that could not be read, else 0. */
  static std::optional<ProcessStat> read(int pid, int* error = nullptr);
  /** Of a directory like /proc/<pid> or /proc/<pid>/task/<tid>. */
  static std::optional<ProcessStat> readIn(const std::string& directory, int* error = nullptr);
  static std::optional<ProcessStat> parse(std::string_view text);

 private:
  static constexpr uint64_t kExiting = 0x4;  // PF_EXITING
};

}  // namespace numacast
