#include "process/process_exit.h"

#include <linux/ioctl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "file/root_dir.h"
#include "process/process_stat.h"
#include "process/time_namespace.h"

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

/**
 * Hints take up to five descriptors more. Once half of the allowed descriptors are in use, the rest is kept for pidfds,
 * which report the same a little later. The kernel hands out the lowest free number, so the number of a new descriptor
 * tells how many are in use.
 */
bool hasRoomForHints(int fd) {
  rlimit limit = {};
  return getrlimit(RLIMIT_NOFILE, &limit) != 0 || static_cast<rlim_t>(fd) < limit.rlim_cur / 2;
}

/** What keeps a process's stat from being read, when the process itself is there. */
std::string unreadableStat(int pid, int error) {
  const std::string process = "process " + std::to_string(pid);
  if (error == ENOENT || error == ESRCH || error == EACCES || error == EPERM) {
    return process + " is there, but /proc does not show it (hidepid?)";
  }
  return process + " is there, but its start time cannot be read: " + errnoText(error);
}

}  // namespace

ProcessExit::Opened ProcessExit::refuse(Opened why) {
  pidfd_.reset();
  return why;
}

ProcessExit::Opened ProcessExit::open(const Target& target, std::string& reason) {
  const int pid = target.pid;
  pid_ = pid;
  pidfd_ = UniqueFd(static_cast<int>(syscall(kPidfdOpen, pid, 0)));
  if (!pidfd_.valid()) {
    if (errno == ESRCH) return Opened::kGone;
    reason = errno == ENOSYS   ? "pidfd_open needs Linux 5.3"
             : errno == EINVAL ? "pid " + std::to_string(pid) + " is a thread, not a process"
                               : "pidfd_open(" + std::to_string(pid) + "): " + errnoText(errno);
    return Opened::kUnavailable;
  }
  // The pidfd refers to one process. The start time tells whether it is the right one.
  int error = 0;
  const auto stat = ProcessStat::read(pid, &error);
  pollfd state{pidfd_.get(), POLLIN, 0};
  if (!stat) {
    if (poll(&state, 1, 0) != 0) return refuse(Opened::kGone);
    if (target.isAlive) return Opened::kWatching;
    reason = unreadableStat(pid, error);
    return refuse(Opened::kUnavailable);
  }
  if (target.startTime >= 0) {
    const auto startTime = hostStartTime(stat->startTime);
    if (startTime && !isSameStart(*startTime, target.startTime)) return refuse(Opened::kOther);
    if (!startTime && !target.isAlive) {
      reason = "the start time of process " + std::to_string(pid) +
               " cannot be compared: the offsets of this time namespace are not known";
      return refuse(Opened::kUnavailable);
    }
  }
  startTime_ = stat->startTime;
  // Without permission to trace the process, only its pidfd tells how it ended: no reason to look earlier. If its main
  // thread has ended, the permission shows only when the other threads have ended too.
  const bool mayTrace = stat->traceable || stat->exiting();
  if (mayTrace && hasRoomForHints(pidfd_.get())) set_ = hints_.open(pid, pidfd_.get());
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
  const auto remains = findRemains();
  if (remains && remains->waitStatus) return Ended{remains->waitStatus};
  hints_.again(fd);
  return std::nullopt;
}

std::optional<Remains> ProcessExit::findRemains() const {
  return startTime_ ? Remains::find(pid_, *startTime_) : std::nullopt;
}

std::optional<int> ProcessExit::waitStatus(int pidfd) const {
  if (const auto status = askPidfd(pidfd)) return status;
  // Not reaped yet: the zombie tells.
  const auto remains = findRemains();
  if (remains && remains->waitStatus) return remains->waitStatus;
  return askPidfd(pidfd);  // reaped in between
}

}  // namespace numacast
