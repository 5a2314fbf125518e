#include "process/remains.h"

#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "file/root_dir.h"
#include "process/process_stat.h"

namespace numacast {

namespace {

/** With more left it is early days, and reading each of them would take long. */
constexpr int64_t kMostThreads = 64;

/**
 * Reads the stat of a thread that is exiting. Reading a stat holds a reference to the process's memory, and the last
 * reference to go frees it: for a dying process that could be this event loop. So the link to the program is read first,
 * which holds nothing. It is gone (ENOENT) once the thread has released the memory. Ids are those of our PID namespace,
 * as /proc shows them.
 *
 * `permitted`: we may trace it, or the link could not be read at all (EACCES).
 */
std::optional<ProcessStat> readExiting(const std::string& directory, bool* permitted = nullptr) {
  char program[1];
  if (readlink((directory + "/exe").c_str(), program, sizeof program) >= 0) return std::nullopt;
  if (permitted != nullptr) *permitted = errno == ENOENT;
  const auto stat = ProcessStat::readIn(directory);
  return stat && stat->exiting() ? stat : std::nullopt;
}

}  // namespace

/*
 * A thread with PF_EXITING has made its last system call: it starts no other. So a process has ended when all of its
 * threads have it; but they cannot be read all at once, and listing them may miss some that come while others go.
 * Therefore: (1) each that is listed has it, (2) the kernel then counts as many threads as were listed, and (3) after
 * that all those are still there. Then at (2) there was no other, and none can have come since.
 *
 * What is no end by this rule:
 *   - a main thread that ended by itself (pthread_exit) while others run: they are listed, or counted;
 *   - execve by another thread, which ends all others and takes the main thread's place: it never has the flag, and is
 *     listed or counted under its old id or its new one;
 *   - a core dump: threads wait for its end before they get the flag, so that the status tells whether there is one;
 *   - a thread that a tracer, a cgroup freezer or a device holds up before its end.
 * And the process's wait status is final: the kernel fixes it (SIGNAL_GROUP_EXIT) before the last thread gets the flag.
 * It is read from the process, not from the thread whose end brought us here. What that thread's own pidfd tells is
 * another thing: 0 for a thread that process.exit(3) joined before it ended the rest, and never that a core was dumped.
 */
std::optional<Remains> Remains::find(int pid, uint64_t startTime) {
  static const RootDir& root = *new RootDir("/");
  const std::string process = "/proc/" + std::to_string(pid);
  const auto first = readExiting(process);
  if (!first || first->startTime != startTime || first->threads > kMostThreads) return std::nullopt;
  std::vector<std::string> threads;
  if (!root.list(process + "/task", threads)) return std::nullopt;
  if (first->threads != static_cast<int64_t>(threads.size())) return std::nullopt;
  const auto allExiting = [&] {
    for (const std::string& thread : threads) {
      if (!readExiting(process + "/task/" + thread)) return false;
    }
    return true;
  };
  if (!allExiting()) return std::nullopt;
  bool permitted = false;
  const auto counted = readExiting(process, &permitted);
  if (!counted || counted->startTime != startTime || counted->threads != first->threads) return std::nullopt;
  if (!allExiting()) return std::nullopt;
  // Without permission the kernel shows 0, which then means nothing.
  return Remains{permitted || counted->exitCode != 0 ? std::optional<int>(counted->exitCode) : std::nullopt};
}

}  // namespace numacast
