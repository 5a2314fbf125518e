#include "process/process_exit.h"

#include <linux/ioctl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "process/process_stat.h"
#include "process/remains.h"
#include "file/root_dir.h"

namespace numacast {

namespace {

constexpr long kPidfdOpen = 434;  // SYS_pidfd_open: the same number wherever Node runs

/** struct pidfd_info of linux/pidfd.h (Linux 6.13), its first published size; older headers lack it. */
struct PidfdInfo {
  uint64_t mask;
  uint64_t cgroupId;
  uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
  int32_t exitCode;
};
static_assert(sizeof(PidfdInfo) == 64, "PIDFD_INFO_SIZE_VER0");

constexpr uint64_t kInfoExit = 1U << 3;  // PIDFD_INFO_EXIT, Linux 6.15: once the parent has reaped it

std::optional<int> askPidfd(int fd) {
  PidfdInfo info = {};
  info.mask = kInfoExit;
  if (ioctl(fd, _IOWR(0xFF, 11, PidfdInfo), &info) != 0 || (info.mask & kInfoExit) == 0) return std::nullopt;
  return info.exitCode;
}

}  // namespace

ProcessExit::Opened ProcessExit::open(int pid, double startTime, std::string& reason) {
  pid_ = pid;
  pidfd_ = UniqueFd(static_cast<int>(syscall(kPidfdOpen, pid, 0)));
  if (!pidfd_.valid()) {
    if (errno == ESRCH) return Opened::kGone;
    reason = errno == ENOSYS   ? "pidfd_open needs Linux 5.3"
             : errno == EINVAL ? "pid " + std::to_string(pid) + " is a thread, not a process"
                               : "pidfd_open(" + std::to_string(pid) + "): " + errnoText(errno);
    return Opened::kUnavailable;
  }
  // The pidfd holds on to one process; whether it is the one that was meant, its start time tells.
  const auto stat = ProcessStat::read(pid);
  pollfd state{pidfd_.get(), POLLIN, 0};
  if (!stat && poll(&state, 1, 0) == 0) {
    pidfd_.reset();
    reason = "process " + std::to_string(pid) + " is there, but /proc does not show it (hidepid?)";
    return Opened::kUnavailable;
  }
  if (!stat || (startTime >= 0 && static_cast<double>(stat->startTime) != startTime)) {
    pidfd_.reset();
    return Opened::kGone;
  }
  startTime_ = stat->startTime;
  // Without permission to trace it nothing but its pidfd says how it ended: no reason to look earlier. Of one whose main
  // thread has ended, the permission shows only when the rest has.
  if (stat->traceable || stat->exiting()) set_ = hints_.open(pid, pidfd_.get());
  if (set_ && stat->exiting()) hints_.again(set_->get());
  return Opened::kWatching;
}

UniqueFd ProcessExit::takeFd() {
  hinted_ = set_.has_value();
  return std::move(hinted_ ? *set_ : pidfd_);
}

std::optional<ProcessExit::Ended> ProcessExit::look(int fd) {
  if (!hinted_) return Ended{waitStatus(fd)};
  if (hints_.take(fd)) return Ended{waitStatus(pidfd_.get())};
  const auto remains = Remains::find(pid_, startTime_);
  if (remains && remains->waitStatus) return Ended{remains->waitStatus};
  hints_.again(fd);
  return std::nullopt;
}

std::optional<int> ProcessExit::waitStatus(int pidfd) const {
  if (const auto status = askPidfd(pidfd)) return status;
  // Not reaped yet: the zombie tells.
  const auto remains = Remains::find(pid_, startTime_);
  if (remains && remains->waitStatus) return remains->waitStatus;
  return askPidfd(pidfd);  // reaped in between
}

}  // namespace numacast
