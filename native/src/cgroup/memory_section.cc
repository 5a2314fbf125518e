#include "cgroup/memory_section.h"

#include <algorithm>
#include <cmath>

#include "file/id_set.h"

namespace numacast {

namespace {

/**
 * cgroup v1 writes "no limit" as LONG_MAX rounded down to the page size (4 KiB: 9223372036854771712, 64 KiB:
 * 9223372036854710272, hugetlb: to the huge page), and older kernels as LONG_MAX or ULONG_MAX. Nothing real comes near.
 */
constexpr uint64_t kNoLimit = uint64_t{1} << 62;

double orUnknown(const std::optional<uint64_t>& value) { return value ? static_cast<double>(*value) : kUnknown; }

double orZero(double value) { return std::isnan(value) ? 0 : value; }

}  // namespace

double MemoryLevel::workingSet() const {
  const double bytes = current - inactiveFile;
  return std::isnan(bytes) ? kUnknown : std::max(0.0, bytes);
}

void MemorySection::open(const RootDir& root, CgroupPlace place, bool hostIsVirtual, bool everyLevel) {
  *this = MemorySection();
  place_ = std::move(place);
  hostIsVirtual_ = hostIsVirtual;
  everyLevel_ = everyLevel;
  hostFile_ = KeptFile(root, "/proc/meminfo");
  if (!place_.found()) return;
  const bool v1 = place_.version == 1;
  for (const std::string& path : place_.levels) {
    const std::string base = path + "/memory.";
    if (v1 && !levels_.empty()) {
      // Before Linux 5.11 a parent without use_hierarchy neither counts nor limits its children.
      const FileText hierarchy = root.read(base + "use_hierarchy");
      if (hierarchy.ok() && trim(hierarchy.text) == "0") break;
    }
    MemoryLevel level;
    level.path = path;
    level.maxFile = KeptFile(root, base + (v1 ? "limit_in_bytes" : "max"));
    level.currentFile = KeptFile(root, base + (v1 ? "usage_in_bytes" : "current"));
    level.statFile = KeptFile(root, base + "stat");
    level.swapMaxFile = KeptFile(root, base + (v1 ? "memsw.limit_in_bytes" : "swap.max"));
    if (!v1) level.highFile = KeptFile(root, base + "high");
    levels_.push_back(std::move(level));
  }
  const auto counts = [](const MemoryLevel& level) { return !level.currentFile.missing(); };
  const auto own = std::find_if(levels_.begin(), levels_.end(), counts);
  own_ = own == levels_.end() ? 0 : static_cast<size_t>(own - levels_.begin());
  const std::string base = levels_[own_].path + "/memory.";
  eventsFile_ = KeptFile(root, base + (v1 ? "failcnt" : "events"));
  if (v1) oomFile_ = KeptFile(root, base + "oom_control");
  if (!v1) swapCurrentFile_ = KeptFile(root, base + "swap.current");
}

/**
 * lxcfs shows a container's limit as MemTotal. There a limit equal to MemTotal is a real one; a larger one is not reached.
 * A limit of 0 is always real.
 */
bool MemorySection::exceedsMachine(double bytes, double machineBytes) const {
  return bytes > 0 && (hostIsVirtual_ ? bytes > machineBytes : bytes >= machineBytes);
}

double MemorySection::machineSwap() const {
  return place_.version == 1 ? host_.total + host_.swapTotal : host_.swapTotal;
}

Limit MemorySection::readLimit(KeptFile& file, const std::string& level, double machineBytes, ReadBuffer& buffer,
                               Warnings& warnings) const {
  const std::string_view text = trim(file.read(buffer));
  if (file.missing()) return Limit::unlimited();
  if (file.unreadable()) {
    if (!file.gone()) warnings.add("unreadable", file.path(), errnoText(file.error()));
    return Limit::unknown(Unknown::kUnreadable);
  }
  if (text == (place_.version == 1 ? "-1" : "max")) return Limit::unlimited();
  const auto value = parseUnsigned(text);
  if (!value) {
    warnings.add("malformed", file.path(), "this is neither a size nor \"max\"");
    return Limit::unknown(Unknown::kUnreadable);
  }
  const double bytes = static_cast<double>(*value);
  if (place_.version == 1 && *value >= kNoLimit) return Limit::unlimited();
  if (exceedsMachine(bytes, machineBytes)) return Limit::unlimited();
  return Limit::limited(bytes, level);
}

void MemorySection::readSlow(ReadBuffer& buffer, Warnings& warnings) {
  host_ = HostMemory::parse(hostFile_.read(buffer));
  if (hostFile_.error() != 0) {
    warnings.add("unreadable", hostFile_.path(), errnoText(hostFile_.error()) + "; the machine's memory is not known");
  } else if (std::isnan(host_.total)) {
    warnings.add("malformed", hostFile_.path(), "it has no MemTotal");
  }
  // Before Linux 3.14 there was no MemAvailable.
  if (std::isnan(host_.available)) host_.available = host_.reclaimable();
  if (!place_.found()) {
    limit = high = swapLimit = Limit::unknown(*place_.problem);
    return;
  }
  for (MemoryLevel& level : levels_) {
    level.max = readLimit(level.maxFile, level.path, host_.total, buffer, warnings);
    // The kernel makes both files or, in the root of v2, neither.
    if (level.maxFile.missing() && !level.currentFile.missing()) {
      warnings.add("unreadable", level.maxFile.path(), "it is missing, though this cgroup counts memory");
      level.max = Limit::unknown(Unknown::kUnreadable);
    }
    level.high = readLimit(level.highFile, level.path, host_.total, buffer, warnings);
    level.swapMax = readLimit(level.swapMaxFile, level.path, machineSwap(), buffer, warnings);
    if (!matters(level)) continue;
    readStat(level, buffer, warnings);
    const KeptFile& counter = level.currentFile;
    if (counter.unreadable() ? !counter.gone() : counter.missing() && level.max.isLimited()) {
      warnings.add("unreadable", counter.path(), errnoText(counter.error()));
    }
  }
  combine();
  applyHiddenLimit(buffer, warnings);
  readEvents(buffer);
}

void MemorySection::readStat(MemoryLevel& level, ReadBuffer& buffer, Warnings& warnings) {
  const std::string_view text = level.statFile.read(buffer);
  level.inactiveFile = level.activeFile = level.slabReclaimable = kUnknown;
  if (!level.statFile.present() || level.statFile.error() != 0) {
    if (level.statFile.unreadable() && !level.statFile.gone()) {
      warnings.add("unreadable", level.statFile.path(), errnoText(level.statFile.error()));
    }
    return;
  }
  const bool v1 = place_.version == 1;
  // v1 counts a cgroup alone, and with a "total_" prefix with its children; its limits hold for both together.
  const auto pick = [&](std::string_view key) {
    const std::string total = "total_" + std::string(key);
    const auto whole = v1 ? keyedValue(text, total) : std::nullopt;
    return orUnknown(whole ? whole : keyedValue(text, key));
  };
  level.inactiveFile = pick("inactive_file");
  level.activeFile = pick("active_file");
  level.slabReclaimable = pick("slab_reclaimable");
  if (std::isnan(level.inactiveFile)) warnings.add("malformed", level.statFile.path(), "it has no inactive_file");
  if (&level == &levels_[own_] && v1) {
    swapCurrent = pick("swap");
    hierarchicalLimit_ = orUnknown(keyedValue(text, "hierarchical_memory_limit"));
  }
}

void MemorySection::readEvents(ReadBuffer& buffer) {
  const std::string_view text = eventsFile_.read(buffer);
  if (place_.version == 1) {
    eventsMax = orUnknown(parseUnsigned(text));
    eventsOomKill = orUnknown(keyedValue(oomFile_.read(buffer), "oom_kill"));
    return;
  }
  eventsHigh = orUnknown(keyedValue(text, "high"));
  eventsMax = orUnknown(keyedValue(text, "max"));
  eventsOom = orUnknown(keyedValue(text, "oom"));
  eventsOomKill = orUnknown(keyedValue(text, "oom_kill"));
  swapCurrent = orUnknown(parseUnsigned(swapCurrentFile_.read(buffer)));
}

void MemorySection::combine() {
  const bool none = std::all_of(levels_.begin(), levels_.end(), [](const MemoryLevel& level) {
    return level.maxFile.missing() && level.currentFile.missing();
  });
  limit = high = swapLimit = none ? limitOfNoLevel(place_) : Limit::unlimited();
  for (const MemoryLevel& level : levels_) {
    limit.tighten(level.max);
    high.tighten(level.high);
    swapLimit.tighten(level.swapMax);
  }
}

/**
 * v1 tells the effective limit even where the ancestor that sets it is hidden. It is put down to the topmost visible
 * level, whose use is the best that is known of that ancestor's.
 */
void MemorySection::applyHiddenLimit(ReadBuffer& buffer, Warnings& warnings) {
  if (place_.ancestorsVisible == Visible::kYes || limit.isUnknown() || std::isnan(hierarchicalLimit_)) return;
  const bool none =
      hierarchicalLimit_ >= static_cast<double>(kNoLimit) || exceedsMachine(hierarchicalLimit_, host_.total);
  if (none || hierarchicalLimit_ >= limit.number()) return;
  MemoryLevel& top = levels_.back();
  warnings.add("hidden-limit", levels_[own_].statFile.path(),
               "an ancestor that is not visible here sets a tighter limit than every visible cgroup");
  top.max = Limit::limited(hierarchicalLimit_, top.path);
  limit = top.max;
  readStat(top, buffer, warnings);
}

void MemorySection::readHot(ReadBuffer& buffer) {
  for (MemoryLevel& level : levels_) {
    if (!matters(level)) continue;
    level.current = orUnknown(parseUnsigned(level.currentFile.read(buffer)));
  }
}

double MemorySection::safeHeadroom() const {
  if (limit.isUnknown() || high.isUnknown()) return kUnknown;
  double headroom = host_.available;
  for (const MemoryLevel& level : levels_) {
    const double most = std::min(level.max.number(), level.high.number());
    if (std::isinf(most)) continue;
    if (std::isnan(level.workingSet())) return kUnknown;
    const double left = std::max(0.0, most - level.workingSet());
    headroom = std::isnan(headroom) ? left : std::min(headroom, left);
  }
  return headroom;
}

double MemorySection::maxHeadroom() const {
  if (limit.isUnknown()) return kUnknown;
  double headroom = std::numeric_limits<double>::infinity();
  for (const MemoryLevel& level : levels_) {
    if (!level.max.isLimited()) continue;
    const double held = level.current - level.inactiveFile - level.activeFile - orZero(level.slabReclaimable);
    if (std::isnan(held)) return kUnknown;
    headroom = std::min(headroom, std::max(0.0, level.max.value - std::max(0.0, held)));
  }
  return std::isinf(headroom) ? host_.reclaimable() : headroom;
}

bool MemorySection::gone() const {
  return std::any_of(levels_.begin(), levels_.end(), [](const MemoryLevel& level) {
    return level.currentFile.gone() || level.maxFile.gone() || level.statFile.gone();
  });
}

void MemorySection::hotFiles(std::vector<std::string>& paths) const {
  for (const MemoryLevel& level : levels_) {
    if (matters(level) && level.currentFile.present()) paths.push_back(level.currentFile.path());
  }
}

std::vector<NodeUse> MemorySection::readNodes(const RootDir& root, Warnings& warnings) const {
  std::vector<NodeUse> nodes;
  if (!place_.found()) return nodes;
  const std::string path = levels_[own_].path + "/memory.numa_stat";
  const FileText file = root.read(path);
  if (!file.ok()) {
    if (!file.missing()) warnings.add("unreadable", path, errnoText(file.error));
    return nodes;
  }
  const bool v1 = place_.version == 1;
  // v1 counts in pages; the root's "no limit" betrays how large they were on the machine that was captured.
  double unit = 1;
  if (v1) {
    unit = 4096;
    const FileText top = root.read(place_.levels.back() + "/memory.limit_in_bytes");
    const auto sentinel = parseUnsigned(top.text);
    for (const uint64_t page : {uint64_t{4096}, uint64_t{16384}, uint64_t{65536}}) {
      if (sentinel && *sentinel == (uint64_t{1} << 63) - page) unit = static_cast<double>(page);
    }
    if (root.live()) unit = static_cast<double>(sysconf(_SC_PAGESIZE));
  }
  std::string_view text = file.text;
  const bool hierarchical = v1 && text.find("hierarchical_anon=") != std::string_view::npos;
  const std::string prefix = hierarchical ? "hierarchical_" : "";
  // v2: "anon N0=123 N1=45"; v1: "anon=168 N0=123 N1=45".
  const auto add = [&](std::string_view line, bool anon) {
    for (std::string_view word; nextWord(line, word);) {
      const size_t equals = word.find('=');
      if (equals == std::string_view::npos) continue;
      const auto id = numberAfter(word.substr(0, equals), "N");
      const auto count = parseUnsigned(word.substr(equals + 1));
      if (!id || !count || *id >= IdSet::kMost) continue;
      auto at = std::find_if(nodes.begin(), nodes.end(), [&](const NodeUse& node) { return node.nodeId == *id; });
      if (at == nodes.end()) {
        if (nodes.size() >= 1024) continue;
        at = nodes.insert(nodes.end(), NodeUse{static_cast<uint32_t>(*id), 0, 0});
      }
      (anon ? at->anonBytes : at->fileBytes) += static_cast<double>(*count) * unit;
    }
  };
  for (std::string_view line; nextLine(text, line);) {
    std::string_view rest = line;
    std::string_view key;
    if (!nextWord(rest, key)) continue;
    if (v1) key = key.substr(0, key.find('='));
    if (key == prefix + "anon") add(rest, true);
    if (key == prefix + "file") add(rest, false);
  }
  return nodes;
}

}  // namespace numacast
