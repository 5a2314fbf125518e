#pragma once

#include <optional>
#include <string>

#include "process/thread_hints.h"
#include "file/unique_fd.h"

namespace numacast {

/** A process whose end is awaited: by its pidfd and, where the kernel allows, by hints that come earlier. */
class ProcessExit {
 public:
  /** `startTime` −1 takes whichever process has the pid. */
  enum class Opened { kWatching, kGone, kUnavailable };
  Opened open(int pid, double startTime, std::string& reason);

  struct Ended {
    /** Nothing where the kernel no longer says how. */
    std::optional<int> waitStatus;
  };

  /** What to poll; to be taken once. */
  UniqueFd takeFd();
  /** For when that polls readable: nothing when the process has not ended. */
  std::optional<Ended> look(int fd);

 private:
  std::optional<int> waitStatus(int pidfd) const;

  UniqueFd pidfd_;
  std::optional<UniqueFd> set_;
  ThreadHints hints_;
  bool hinted_ = false;
  int pid_ = 0;
  uint64_t startTime_ = 0;
};

}  // namespace numacast
