#pragma once

#include <optional>
#include <string>

#include "file/unique_fd.h"
#include "process/remains.h"
#include "process/thread_hints.h"

namespace numacast {

/** A process whose end is awaited: by its pidfd and, where the kernel allows, by hints that come earlier. */
class ProcessExit {
 public:
  /** kOther: the pid belongs to a process with another start time. */
  enum class Opened { kWatching, kGone, kOther, kUnavailable };
  struct Target {
    int pid;
    /** On the host's clock (`hostStartTime`); −1 takes whichever process has the pid. */
    double startTime;
    /** The process was known to be alive just now, so its pid will do where its start time cannot be read. */
    bool isAlive;
  };
  Opened open(const Target& target, std::string& reason);

  struct Ended {
    /** Nothing where the kernel no longer tells how. */
    std::optional<int> waitStatus;
  };

  /** What to poll; to be taken once. */
  UniqueFd takeFd();
  /** For when that polls readable: nothing when the process has not ended. */
  std::optional<Ended> look(int fd);

 private:
  Opened refuse(Opened why);
  std::optional<Remains> findRemains() const;
  std::optional<int> waitStatus(int pidfd) const;

  UniqueFd pidfd_;
  std::optional<UniqueFd> set_;
  ThreadHints hints_;
  bool hinted_ = false;
  int pid_ = 0;
  /** As read here; nothing where /proc hides the process. */
  std::optional<uint64_t> startTime_;
};

}  // namespace numacast
