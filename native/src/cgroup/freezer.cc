#include "cgroup/freezer.h"

#include "cgroup/cgroup_place.h"
#include "file/text.h"

namespace numacast {

namespace {

/** Nothing when the level does not tell: the root of a hierarchy has no freezer. */
std::optional<bool> frozenAt(const RootDir& root, const std::string& level, int version) {
  if (version == 1) {
    const FileText state = root.read(level + "/freezer.state");
    if (!state.ok()) return std::nullopt;
    // FREEZING: some task has not stopped yet. It is as good as frozen for a task that is silent already.
    return trim(state.text) != "THAWED";
  }
  const FileText events = root.read(level + "/cgroup.events");
  const auto frozen = events.ok() ? keyedValue(events.text, "frozen") : std::nullopt;
  if (frozen && *frozen != 0) return true;
  // Asked for, and perhaps not complete. cgroup.events shows 1 only when the last task has stopped.
  const FileText asked = root.read(level + "/cgroup.freeze");
  if (asked.ok() && trim(asked.text) == "1") return true;
  return frozen || asked.ok() ? std::optional<bool>(false) : std::nullopt;
}

}  // namespace

FreezerReading readFreezer(const RootDir& root, int pid) {
  FreezerReading reading;
  Warnings unrelated;  // of the mount table and the membership: readHeadroom reports them
  const std::string path = (pid == 0 ? "/proc/self" : "/proc/" + std::to_string(pid)) + "/cgroup";
  const FileText file = root.read(path);
  if (!file.ok()) return reading;
  const MountTable mounts = MountTable::read(root, unrelated);
  const CgroupMembership membership = CgroupMembership::parse(file.text, path, unrelated);
  const CgroupLocator locator(root, mounts, membership, unrelated);
  for (const bool v1 : {true, false}) {
    if (v1 && membership.v1Path("freezer") == nullptr) continue;
    const CgroupPlace place = v1 ? locator.locate("freezer") : locator.locateUnified();
    if (!place.found()) continue;
    for (const std::string& level : place.levels) {
      const auto frozen = frozenAt(root, level, place.version);
      if (!frozen) continue;
      reading.frozen = *frozen;
      if (!*frozen) continue;
      reading.directory = level;
      return reading;
    }
  }
  return reading;
}

}  // namespace numacast
