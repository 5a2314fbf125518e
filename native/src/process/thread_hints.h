#pragma once

#include <optional>
#include <vector>

#include "file/unique_fd.h"

namespace numacast {

/**
 * Hints that a process may be ending, before its pidfd reports the end. When a process ends, each thread releases the
 * memory, and the last one has to free it before the process counts as ended. Any other thread ends at
 * once, and a pidfd of it (PIDFD_THREAD, Linux 6.9) tells.
 *
 * They are hints and no more: a thread may end by itself, or by execve; a thread id may be another's by the time it is
 * opened. The receiver of a hint reads what is left of the process (`Remains`). While that is not decided, it asks for
 * `again`, a bounded number of times; the process's own pidfd tells in any case.
 *
 * The threads are taken when the watch begins. Of a process that had one thread then, or whose watched
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
