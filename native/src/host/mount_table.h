#pragma once

#include <optional>
#include <string>
#include <vector>

#include "file/root_dir.h"
#include "file/warnings.h"

namespace numacast {

/** One line of /proc/self/mountinfo. */
struct Mount {
  uint64_t id = 0;
  uint64_t parent = 0;
  /** Which directory of the file system is mounted. */
  std::string root;
  std::string point;
  std::string type;
  /** Super-block options: for cgroup v1, the controllers. */
  std::string options;

  bool hasOption(std::string_view name) const;
};

/** The mounts that path names reach: what a later mount hides is left out. */
class MountTable {
 public:
  /** Reads mountinfo, or the older mounts file, which does not tell what a mount's root is. */
  static MountTable read(const RootDir& root, Warnings& warnings);

  /** False when neither file could be read. */
  bool known() const { return known_; }
  const std::vector<Mount>& visible() const { return mounts_; }
  /** The file system that serves this very path, such as lxcfs over /proc/meminfo. */
  bool hasMountAt(std::string_view point, std::string_view type) const;

 private:
  void hide();

  bool known_ = false;
  std::vector<Mount> mounts_;
};

}  // namespace numacast
