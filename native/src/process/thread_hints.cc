#include "process/thread_hints.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#include <cstdint>
#include <string>

#include "file/root_dir.h"
#include "file/text.h"

namespace numacast {

namespace {

constexpr long kPidfdOpen = 434;           // SYS_pidfd_open: the same number wherever Node runs
constexpr unsigned kPidfdThread = O_EXCL;  // PIDFD_THREAD, Linux 6.9; an older kernel returns EINVAL

/**
 * Each costs a descriptor. One would do if it always got a CPU at once and were never the last to let go of the memory;
 * with three, at least two are not. The oldest are threads that a runtime keeps (V8's and libuv's own).
 */
constexpr size_t kMostThreads = 3;

/** 0.25 ms, doubled each time: some 60 ms in all after each thread's end. */
constexpr long kFirstPauseNs = 250'000;
constexpr int kMostPauses = 8;

constexpr uint64_t kProcess = UINT64_MAX;
constexpr uint64_t kTimer = kProcess - 1;

bool add(int set, int fd, uint64_t name) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u64 = name;
  return epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace

std::optional<UniqueFd> ThreadHints::open(int pid, int pidfd) {
  static const RootDir& root = *new RootDir("/");
  const std::string process = std::to_string(pid);
  std::vector<std::string> ids;  // in the order in which the threads began
  if (!root.list("/proc/" + process + "/task", ids)) return std::nullopt;
  for (const std::string& id : ids) {
    if (threads_.size() == kMostThreads) break;
    if (id == process) continue;
    const auto tid = parseUnsigned(id);
    if (!tid) continue;
    UniqueFd thread(static_cast<int>(syscall(kPidfdOpen, *tid, kPidfdThread)));
    if (thread.valid()) threads_.push_back(std::move(thread));
  }
  UniqueFd set(threads_.empty() ? -1 : epoll_create1(EPOLL_CLOEXEC));
  bool complete = set.valid() && add(set.get(), pidfd, kProcess);
  for (size_t index = 0; complete && index < threads_.size(); ++index) {
    complete = add(set.get(), threads_[index].get(), index);
  }
  if (complete) return set;
  threads_.clear();
  return std::nullopt;
}

bool ThreadHints::take(int set) {
  epoll_event events[kMostThreads + 2];
  const int count = epoll_wait(set, events, kMostThreads + 2, 0);
  bool ended = false;
  for (int index = 0; index < count; ++index) {
    const uint64_t name = events[index].data.u64;
    if (name == kProcess) {
      ended = true;
    } else if (name == kTimer) {
      uint64_t expirations;
      if (read(timer_.get(), &expirations, sizeof expirations) < 0) continue;
    } else {
      // It stays readable from now on. Closing it is not enough while a child between fork and exec has it too.
      epoll_ctl(set, EPOLL_CTL_DEL, threads_[name].get(), nullptr);
      threads_[name].reset();
      asked_ = 0;
    }
  }
  return ended;
}

void ThreadHints::again(int set) {
  if (asked_ == kMostPauses) return;
  if (!timer_.valid()) {
    timer_ = UniqueFd(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
    if (!timer_.valid() || !add(set, timer_.get(), kTimer)) {
      timer_.reset();
      asked_ = kMostPauses;  // no descriptor left: the process's own pidfd will tell
      return;
    }
  }
  itimerspec pause = {};
  pause.it_value.tv_nsec = kFirstPauseNs << asked_++;
  timerfd_settime(timer_.get(), 0, &pause, nullptr);
}

}  // namespace numacast
