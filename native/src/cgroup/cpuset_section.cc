#include "cgroup/cpuset_section.h"

#include <algorithm>

#include "file/text.h"

namespace numacast {

void CpusetSection::open(const RootDir& root, CgroupPlace place, const std::string& processDirectory) {
  *this = CpusetSection();
  place_ = std::move(place);
  statusFile_ = KeptFile(root, processDirectory + "/status");
  if (!place_.found()) return;
  const bool v1 = place_.version == 1;
  // The first that exists at a level counts. The short names are of hierarchies mounted with "noprefix".
  const std::vector<const char*> cpuNames = v1 ? std::vector{"cpuset.effective_cpus", "cpuset.cpus", "cpus"}
                                               : std::vector{"cpuset.cpus.effective"};
  const std::vector<const char*> memNames = v1 ? std::vector{"cpuset.effective_mems", "cpuset.mems", "mems"}
                                               : std::vector{"cpuset.mems.effective"};
  const auto keepFirst = [&](const std::string& level, const std::vector<const char*>& names,
                             std::vector<KeptFile>& files) {
    for (const char* name : names) {
      KeptFile file(root, level + "/" + name);
      if (file.missing()) continue;
      files.push_back(std::move(file));
      return;
    }
  };
  for (const std::string& level : place_.levels) {
    keepFirst(level, cpuNames, cpuFiles_);
    keepFirst(level, memNames, memFiles_);
  }
}

std::optional<IdSet> CpusetSection::nearest(std::vector<KeptFile>& files, ReadBuffer& buffer, Warnings& warnings) {
  for (KeptFile& file : files) {
    const std::string_view text = file.read(buffer);
    const auto set = file.error() == 0 ? IdSet::parseList(text) : std::nullopt;
    if (!set) {
      if (!file.gone()) {
        warnings.add(file.error() == 0 ? "malformed" : "unreadable", file.path(),
                     file.error() == 0 ? "this is no list of ids" : errnoText(file.error()));
      }
      return std::nullopt;
    }
    if (!set->empty()) return set;
  }
  return std::nullopt;
}

void CpusetSection::readStatus(ReadBuffer& buffer, Warnings& warnings) {
  affinity.reset();
  statusMems_.reset();
  std::string_view text = statusFile_.read(buffer);
  const auto take = [&](std::string_view line, std::string_view key, bool mask, std::optional<IdSet>& set) {
    if (!line.starts_with(key) || set) return;
    const std::string_view value = line.substr(key.size());
    set = mask ? IdSet::parseMask(value) : IdSet::parseList(value);
    if (!set) warnings.add("malformed", statusFile_.path(), std::string(key) + " is no set of ids");
    if (set && set->empty()) set.reset();
  };
  for (std::string_view line; nextLine(text, line);) {
    take(line, "Cpus_allowed_list:", false, affinity);
    take(line, "Mems_allowed_list:", false, statusMems_);
  }
  if (affinity) return;
  text = statusFile_.read(buffer);
  for (std::string_view line; nextLine(text, line);) take(line, "Cpus_allowed:", true, affinity);
}

void CpusetSection::read(const RootDir& root, const MountTable& mounts, ReadBuffer& buffer, Warnings& warnings) {
  cpus = nearest(cpuFiles_, buffer, warnings);
  mems = nearest(memFiles_, buffer, warnings);
  readStatus(buffer, warnings);
  online = readOnlineCpus(root, mounts, cpus ? cpus : affinity, warnings);
  usable.reset();
  for (const auto* set : {&affinity, &cpus, &online}) {
    if (!*set) continue;
    if (!usable) {
      usable = *set;
      continue;
    }
    IdSet both = usable->intersect(**set);
    if (both.empty()) {
      warnings.add("cpu-sets-disjoint", "", "affinity, cpuset and online CPUs have none in common; one was left out");
    } else {
      usable = std::move(both);
    }
  }
}

bool CpusetSection::gone() const {
  const auto isGone = [](const KeptFile& file) { return file.gone(); };
  return statusFile_.gone() || std::any_of(cpuFiles_.begin(), cpuFiles_.end(), isGone) ||
         std::any_of(memFiles_.begin(), memFiles_.end(), isGone);
}

namespace {

constexpr const char* kCpuDirectory = "/sys/devices/system/cpu";

/** Real online CPUs hold every effective cpuset; 0 to n−1 that neither holds it nor is held by it counts otherwise. */
bool looksRenumbered(const IdSet& online, const IdSet& effective) {
  const bool fromZero = online.ids().back() == online.size() - 1;
  return fromZero && !effective.minus(online).empty() && !online.minus(effective).empty();
}

/** Whether the own file of a CPU that `cpu/online` leaves out shows it online. */
bool contradicted(const RootDir& root, const IdSet& online) {
  const auto present = IdSet::parseList(root.read(std::string(kCpuDirectory) + "/present").text);
  if (present && present->ids() == online.ids()) return false;
  std::vector<std::string> names;
  root.list(kCpuDirectory, names);
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    const auto id = numberAfter(name, "cpu");
    return id && *id < IdSet::kMost && !online.contains(static_cast<uint32_t>(*id)) &&
           trim(root.read(std::string(kCpuDirectory) + "/" + name + "/online").text) == "1";
  });
}

std::optional<IdSet> onlineByDirectory(const RootDir& root) {
  std::vector<std::string> names;
  if (!root.list(kCpuDirectory, names)) return std::nullopt;
  std::vector<uint32_t> ids;
  for (const std::string& name : names) {
    const auto id = numberAfter(name, "cpu");
    if (!id || *id >= IdSet::kMost) continue;
    // The boot CPU often has no such file: it cannot be switched off.
    const FileText online = root.read(std::string(kCpuDirectory) + "/" + name + "/online");
    if (!online.ok() || trim(online.text) != "0") ids.push_back(static_cast<uint32_t>(*id));
  }
  if (ids.empty()) return std::nullopt;
  return IdSet(std::move(ids));
}

}  // namespace

std::optional<IdSet> readOnlineCpus(const RootDir& root, const MountTable& mounts, const std::optional<IdSet>& effective,
                                    Warnings& warnings) {
  const std::string path = std::string(kCpuDirectory) + "/online";
  const FileText file = root.read(path);
  if (file.ok()) {
    const auto online = IdSet::parseList(file.text);
    if (!online || online->empty()) {
      warnings.add("malformed", path, "this is no list of CPUs; each cpuN/online was read instead");
    } else if (mounts.hasMountAt(path, "fuse.lxcfs") || mounts.hasMountAt(kCpuDirectory, "fuse.lxcfs") ||
               (effective && looksRenumbered(*online, *effective)) || contradicted(root, *online)) {
      warnings.add("cpu-online-renumbered", path, "a container's view (lxcfs?), which does not use the kernel's CPU ids");
    } else {
      return online;
    }
  } else if (!file.missing()) {
    warnings.add("unreadable", path, errnoText(file.error));
  }
  auto online = onlineByDirectory(root);
  if (online && effective && !effective->minus(*online).empty() && !online->minus(*effective).empty()) return std::nullopt;
  return online;
}

}  // namespace numacast
