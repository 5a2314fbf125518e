#pragma once

#include <optional>
#include <string>
#include <vector>

#include "file/root_dir.h"
#include "file/warnings.h"
#include "host/mount_table.h"

namespace numacast {

enum class Unknown { kUnreadable, kNotMounted, kOutsideMount };
enum class Visible { kYes, kNo, kNotKnown };

/** A cgroup path: `ups` levels above the cgroup namespace's root, then down through `names`. */
struct CgroupPath {
  size_t ups = 0;
  std::vector<std::string> names;

  /** Nothing for a path that the kernel would not print: too long, or ".." after a name. */
  static std::optional<CgroupPath> parse(std::string_view text);
};

/** Where one controller's hierarchy holds the process. */
struct CgroupPlace {
  std::string controller;
  /** 1 or 2; 0 when no hierarchy carries the controller. */
  int version = 0;
  /** As /proc/<pid>/cgroup names it. */
  std::string cgroupPath;
  std::string mountPoint;
  /** Directories from the process's own cgroup up to the mount's root; empty when there is a `problem`. */
  std::vector<std::string> levels;
  Visible ancestorsVisible = Visible::kNotKnown;
  /** v2: whether the mount's root offers the controller to its children; unset where that cannot be read. */
  std::optional<bool> offered;
  /** v2: whether the process's own cgroup has any of the kernel's files, so that one it lacks is a controller it lacks. */
  bool hasFiles = false;
  std::optional<Unknown> problem;

  bool found() const { return !problem.has_value(); }
  const std::string& leaf() const { return levels.front(); }
};

/** /proc/<pid>/cgroup: which cgroup the process is in, per hierarchy. */
class CgroupMembership {
 public:
  static CgroupMembership parse(std::string_view text, const std::string& path, Warnings& warnings);

  bool known() const { return known_; }
  /** The v1 line that names the controller, or null. */
  const std::string* v1Path(std::string_view controller) const;
  const std::string* v2Path() const { return v2_ ? &*v2_ : nullptr; }

 private:
  struct Line {
    std::vector<std::string> controllers;
    std::string path;
  };

  bool known_ = false;
  std::vector<Line> v1_;
  std::optional<std::string> v2_;
};

enum class Layout { kNone, kV1, kV2, kHybrid };

/** Finds the directories that stand for a process's cgroups, given its membership and the visible mounts. */
class CgroupLocator {
 public:
  CgroupLocator(const RootDir& root, const MountTable& mounts, CgroupMembership membership, Warnings& warnings);

  CgroupPlace locate(const std::string& controller) const;
  /** The v2 hierarchy itself, whichever controllers it has: it carries pressure and events. */
  CgroupPlace locateUnified() const;
  Layout layout() const;

 private:
  /** How much of the way from a mount's root to a cgroup is there to see. */
  enum class Shown { kNothing, kPart, kWhole };
  struct Route {
    const Mount* mount = nullptr;
    Shown shown = Shown::kNothing;
    /** How many of the cgroup's names the mount's root stands for. */
    size_t rootDepth = 0;
    /** Whether the hierarchy is mounted at all. */
    bool mounted = false;
  };

  Route route(const CgroupPlace& place, const CgroupPath& path) const;
  CgroupPlace resolve(CgroupPlace place, const std::string& cgroupPath) const;
  Visible ancestorsVisible(const Mount& mount, bool v1) const;

  const RootDir& root_;
  const MountTable& mounts_;
  CgroupMembership membership_;
  Warnings& warnings_;
};

}  // namespace numacast
