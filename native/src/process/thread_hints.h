#pragma once

#include <optional>
#include <vector>

#include "file/unique_fd.h"

namespace numacast {

/**
 * Hints that a process may be ending, before its pidfd says that it has ended. When a process ends, each thread lets go
 * of the memory, and the one that is last has to free it before the process counts as ended. Any other thread ends at
 * once, and a pidfd of it (PIDFD_THREAD, Linux 6.9) tells.
 *
 * They are hints and no more: a thread may end by itself, or by execve; a thread id may be another's by the time it is
 * opened. Whoever gets one looks what is left of the process (`Remains`), and when that is not decided yet, asks for
 * `again`, a bounded number of times; the process's own pidfd tells in any case.
 *
 * The threads are those that were there when the watch began. Of a process that had one thread then, or whose watched
 * threads ended by themselves since, its own pidfd alone tells.
 */
class ThreadHints {
 public:
  /** One descriptor that is readable when there is a hint, or `pidfd` is; nothing where there will be no hints. */
  std::optional<UniqueFd> open(int pid, int pidfd);

  /** Takes what is waiting; whether the process's own pidfd is among it. `set` is the descriptor of `open`. */
  bool take(int set);
  /** Another hint in a moment, unless there have been many since a thread ended. */
  void again(int set);

 private:
  std::vector<UniqueFd> threads_;
  UniqueFd timer_;
  int asked_ = 0;
};

}  // namespace numacast
