#pragma once

#include <optional>
#include <string>

#include "unique_fd.h"

namespace numacast {

/** A pidfd, and what is needed to learn how its process ended. */
class ProcessExit {
 public:
  /** `startTime` −1 takes whichever process has the pid. */
  enum class Opened { kWatching, kGone, kUnavailable };
  Opened open(int pid, double startTime, std::string& reason);

  int fd() const { return pidfd_.get(); }
  UniqueFd takeFd() { return std::move(pidfd_); }
  /** For when `fd` polls readable: the wait status, where the kernel still tells it. */
  std::optional<int> waitStatus(int fd) const;

 private:
  UniqueFd pidfd_;
  int pid_ = 0;
  uint64_t startTime_ = 0;
  bool traceable_ = false;
};

}  // namespace numacast
