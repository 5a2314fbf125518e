#include "cgroup/cgroup_place.h"

#include <algorithm>

#include "file/text.h"

namespace numacast {

namespace {

constexpr size_t kMostPathBytes = 4096;

/** Some of the files that every cgroup v2 has, or that show which controllers it has. */
constexpr const char* kTellingFiles[] = {"cgroup.procs", "cgroup.controllers", "cgroup.events", "memory.current",
                                         "memory.max",   "cpu.stat",           "cpu.max",       "cpuset.cpus.effective",
                                         "pids.current", "pids.max"};

std::string_view withoutSuffix(std::string_view text, std::string_view suffix) {
  if (text.ends_with(suffix)) text.remove_suffix(suffix.size());
  return text;
}

bool isPrefix(const std::vector<std::string>& prefix, const std::vector<std::string>& names) {
  return prefix.size() <= names.size() && std::equal(prefix.begin(), prefix.end(), names.begin());
}

std::string join(const std::string& directory, std::string_view name) {
  return directory.ends_with('/') ? directory + std::string(name) : directory + "/" + std::string(name);
}

}  // namespace

std::optional<CgroupPath> CgroupPath::parse(std::string_view text) {
  if (text.empty() || text.front() != '/' || text.size() > kMostPathBytes) return std::nullopt;
  CgroupPath path;
  for (const std::string_view name : split(text, '/')) {
    if (name.empty() || name == ".") continue;
    if (name == "..") {
      if (!path.names.empty()) return std::nullopt;
      ++path.ups;
    } else {
      path.names.emplace_back(name);
    }
  }
  return path;
}

CgroupMembership CgroupMembership::parse(std::string_view text, const std::string& path, Warnings& warnings) {
  CgroupMembership membership;
  for (std::string_view line; nextLine(text, line);) {
    if (line.ends_with('\r')) line.remove_suffix(1);  // a capture that went through Windows
    if (trim(line).empty()) continue;
    // "hierarchy-id:controllers:path"; the path may hold colons of its own.
    const size_t first = line.find(':');
    const size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos || !parseUnsigned(line.substr(0, first)) ||
        line.substr(second + 1).empty() || line[second + 1] != '/' || membership.v1_.size() >= 64) {
      warnings.add("membership-malformed", path, "a line does not follow the format and was left out");
      continue;
    }
    membership.known_ = true;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string cgroup(line.substr(second + 1));
    if (controllers.empty()) {
      membership.v2_ = cgroup;
      continue;
    }
    Line v1{{}, cgroup};
    for (const std::string_view name : split(controllers, ',')) v1.controllers.emplace_back(name);
    membership.v1_.push_back(std::move(v1));
  }
  return membership;
}

const std::string* CgroupMembership::v1Path(std::string_view controller) const {
  for (const Line& line : v1_) {
    for (const std::string& name : line.controllers) {
      if (name == controller) return &line.path;
    }
  }
  return nullptr;
}

CgroupLocator::CgroupLocator(const RootDir& root, const MountTable& mounts, CgroupMembership membership,
                             Warnings& warnings)
    : root_(root), mounts_(mounts), membership_(std::move(membership)), warnings_(warnings) {}

CgroupPlace CgroupLocator::locate(const std::string& controller) const {
  if (const std::string* path = membership_.v1Path(controller)) {
    CgroupPlace place;
    place.controller = controller;
    place.version = 1;
    return resolve(std::move(place), *path);
  }
  CgroupPlace place = locateUnified();
  place.controller = controller;
  if (place.found()) {
    const FileText offered = root_.read(join(place.levels.back(), "cgroup.controllers"));
    if (offered.ok()) {
      place.offered = false;
      std::string_view text = offered.text;
      for (std::string_view name; nextWord(text, name);) {
        if (name == controller) place.offered = true;
      }
    }
  }
  return place;
}

CgroupPlace CgroupLocator::locateUnified() const {
  CgroupPlace place;
  if (!mounts_.known()) {
    place.problem = Unknown::kUnreadable;
    return place;
  }
  // No membership is needed to know that there is nothing to be a member of, as on a kernel without cgroups.
  const std::string* path = membership_.v2Path();
  if (layout() == Layout::kNone || (membership_.known() && path == nullptr)) {
    place.problem = Unknown::kNotMounted;
    return place;
  }
  if (path == nullptr) {
    place.problem = Unknown::kUnreadable;
    return place;
  }
  place.version = 2;
  return resolve(std::move(place), *path);
}

/** Picks the mount that shows the cgroup and the most of its ancestors. */
CgroupLocator::Route CgroupLocator::route(const CgroupPlace& place, const CgroupPath& path) const {
  const bool v1 = place.version == 1;
  const auto shownBelow = [&](const Mount& mount, size_t rootDepth) {
    if (!root_.isDirectory(mount.point)) return Shown::kNothing;
    std::string directory = mount.point;
    for (size_t index = rootDepth; index < path.names.size(); ++index) {
      directory = join(directory, path.names[index]);
      if (!root_.isDirectory(directory)) return Shown::kPart;
    }
    return Shown::kWhole;
  };
  Route best;
  for (const Mount& mount : mounts_.visible()) {
    if (mount.type != (v1 ? "cgroup" : "cgroup2") || (v1 && !mount.hasOption(place.controller))) continue;
    best.mounted = true;
    const auto root = CgroupPath::parse(withoutSuffix(mount.root, "//deleted"));
    // Both are relative to the namespace's root: equally far above it, or the names in between are hidden.
    if (!root || root->ups != path.ups || !isPrefix(root->names, path.names)) continue;
    const size_t rootDepth = root->names.size();
    const Shown shown = shownBelow(mount, rootDepth);
    if (best.mount == nullptr || shown > best.shown || (shown == best.shown && rootDepth < best.rootDepth)) {
      best.mount = &mount;
      best.shown = shown;
      best.rootDepth = rootDepth;
    }
  }
  return best;
}

CgroupPlace CgroupLocator::resolve(CgroupPlace place, const std::string& cgroupPath) const {
  place.cgroupPath = cgroupPath;
  if (!mounts_.known()) {
    place.problem = Unknown::kUnreadable;
    return place;
  }
  auto path = CgroupPath::parse(cgroupPath);
  if (!path) {
    warnings_.add("membership-malformed", cgroupPath.substr(0, 200), "this is no path of a cgroup");
    place.problem = Unknown::kUnreadable;
    return place;
  }
  Route best = route(place, *path);
  // The kernel marks a removed cgroup with this suffix; but an existing cgroup may have such a name.
  constexpr std::string_view kDeleted = " (deleted)";
  if (best.shown != Shown::kWhole && cgroupPath.ends_with(kDeleted)) {
    if (const auto before = CgroupPath::parse(withoutSuffix(cgroupPath, kDeleted))) {
      path = before;
      best = route(place, *path);
    }
  }
  if (best.mount == nullptr) {
    place.problem = best.mounted ? Unknown::kOutsideMount : Unknown::kNotMounted;
    return place;
  }
  place.mountPoint = best.mount->point;
  if (best.shown == Shown::kNothing) {
    warnings_.add("cgroup-missing", place.mountPoint, "the mount point is not there");
    place.problem = Unknown::kUnreadable;
    return place;
  }
  std::vector<std::string> downward{place.mountPoint};
  for (size_t index = best.rootDepth; index < path->names.size(); ++index) {
    std::string directory = join(downward.back(), path->names[index]);
    if (!root_.isDirectory(directory)) {
      warnings_.add("cgroup-missing", directory, "this cgroup is not there (removed?); its nearest ancestor was read");
      break;
    }
    downward.push_back(std::move(directory));
  }
  place.levels.assign(downward.rbegin(), downward.rend());
  place.ancestorsVisible = ancestorsVisible(*best.mount, place.version == 1);
  const auto has = [&](const char* name) { return root_.exists(join(place.leaf(), name)); };
  place.hasFiles = std::any_of(std::begin(kTellingFiles), std::end(kTellingFiles), has);
  return place;
}

/**
 * Whether the mount's root is the hierarchy's own root. Files tell best: v2 keeps cgroup.type and memory.max out of its
 * root, v1 has release_agent and cgroup.sane_behavior only there, and neither lets its root be limited.
 */
Visible CgroupLocator::ancestorsVisible(const Mount& mount, bool v1) const {
  const auto root = CgroupPath::parse(withoutSuffix(mount.root, "//deleted"));
  if (root && !root->names.empty()) return Visible::kNo;
  const auto has = [&](const char* name) { return root_.exists(join(mount.point, name)); };
  const auto hasAny = [&](std::initializer_list<const char*> names) {
    return std::any_of(names.begin(), names.end(), has);
  };
  if (v1) {
    if (hasAny({"release_agent", "cgroup.sane_behavior"})) return Visible::kYes;
    const auto number = [&](const char* name) { return parseSigned(root_.read(join(mount.point, name)).text); };
    const auto memory = number("memory.limit_in_bytes");
    const bool limited = number("cpu.cfs_quota_us").value_or(-1) > 0 || (memory && *memory < int64_t{1} << 62);
    if (limited || has("pids.max")) return Visible::kNo;
  } else {
    if (hasAny({"memory.max", "cgroup.type", "cgroup.events", "cpu.max", "pids.max"})) return Visible::kNo;
    if (hasAny({"cgroup.procs", "cgroup.controllers", "cgroup.subtree_control", "cgroup.stat", "cpu.stat", "memory.stat"}))
      return Visible::kYes;
  }
  // The first cgroup namespace has a fixed inode number (PROC_CGROUP_INIT_INO in linux/proc_ns.h).
  const std::string space = root_.readLink("/proc/self/ns/cgroup");
  if (space.empty()) return Visible::kNotKnown;
  return space == "cgroup:[4026531835]" ? Visible::kYes : Visible::kNo;
}

Layout CgroupLocator::layout() const {
  bool v1 = false;
  bool v2 = false;
  for (const Mount& mount : mounts_.visible()) {
    if (mount.type == "cgroup2") v2 = true;
    // A named hierarchy (systemd's) carries no controller.
    if (mount.type == "cgroup" && mount.options.find("name=") == std::string::npos) v1 = true;
  }
  if (v1 && v2) return Layout::kHybrid;
  if (v1) return Layout::kV1;
  return v2 ? Layout::kV2 : Layout::kNone;
}

}  // namespace numacast
