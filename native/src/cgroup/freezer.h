#pragma once

#include <optional>
#include <string>

#include "file/root_dir.h"

namespace numacast {

/** What the cgroup freezer does to a process. */
struct FreezerReading {
  /** Nothing where no visible cgroup tells. */
  std::optional<bool> frozen;
  /** Directory of the frozen cgroup: the process's own or, when that is not visible, the nearest ancestor. */
  std::string directory;
};

/**
 * Reads the freezer of a process's cgroup and of every visible ancestor. cgroup v2 has it in every cgroup
 * (`cgroup.events`, `cgroup.freeze`), v1 in a hierarchy of its own (`freezer.state`). A process may be in both.
 */
FreezerReading readFreezer(const RootDir& root, int pid);

}  // namespace numacast
