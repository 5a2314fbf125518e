#include "cgroup/cpu_section.h"

#include <algorithm>

namespace numacast {

namespace {

double orUnknown(const std::optional<uint64_t>& value) { return value ? static_cast<double>(*value) : kUnknown; }

}  // namespace

void CpuSection::open(const RootDir& root, CgroupPlace place, const CgroupPlace& accounting) {
  *this = CpuSection();
  place_ = std::move(place);
  if (accounting.found() && accounting.version == 1) {
    usageFile_ = KeptFile(root, accounting.leaf() + "/cpuacct.usage");
  }
  if (!place_.found()) return;
  const bool v1 = place_.version == 1;
  for (const std::string& path : place_.levels) {
    const std::string base = path + "/cpu.";
    CpuLevel level;
    level.path = path;
    level.quotaFile = KeptFile(root, base + (v1 ? "cfs_quota_us" : "max"));
    if (v1) level.periodFile = KeptFile(root, base + "cfs_period_us");
    level.burstFile = KeptFile(root, base + (v1 ? "cfs_burst_us" : "max.burst"));
    levels_.push_back(std::move(level));
  }
  weightFile_ = KeptFile(root, place_.leaf() + (v1 ? "/cpu.shares" : "/cpu.weight"));
  statFile_ = KeptFile(root, place_.leaf() + "/cpu.stat");
  // On v2 a cgroup without the controller still has cpu.stat, but its parent's counts the throttling.
  const auto limited = std::find_if(levels_.begin(), levels_.end(),
                                    [](const CpuLevel& level) { return level.quotaFile.present(); });
  if (limited != levels_.end() && limited != levels_.begin()) {
    quotaStatFile_ = KeptFile(root, limited->path + "/cpu.stat");
  }
}

void CpuSection::readLevel(CpuLevel& level, ReadBuffer& buffer, Warnings& warnings) const {
  level.quotaCpus = Limit::unlimited();
  level.periodUs = kUnknown;
  std::string_view text = level.quotaFile.read(buffer);
  if (level.quotaFile.missing()) return;
  if (level.quotaFile.unreadable()) {
    if (!level.quotaFile.gone()) warnings.add("unreadable", level.quotaFile.path(), errnoText(level.quotaFile.error()));
    level.quotaCpus = Limit::unknown(Unknown::kUnreadable);
    return;
  }
  std::string_view word;
  nextWord(text, word);
  const bool none = word == (place_.version == 1 ? "-1" : "max");
  const auto quota = none ? std::nullopt : parseUnsigned(word);
  std::string_view rest;
  std::optional<uint64_t> period;
  if (place_.version == 1) {
    period = parseUnsigned(level.periodFile.read(buffer));
  } else if (nextWord(text, rest)) {
    period = parseUnsigned(rest);
  } else {
    period = 100000;  // what the kernel assumes when only a quota was written
  }
  level.periodUs = orUnknown(period);
  level.burstUs = orUnknown(parseUnsigned(level.burstFile.read(buffer)));
  if (none) return;
  if (!quota || !period || *quota == 0 || *period == 0) {
    warnings.add("malformed", level.quotaFile.path(), "quota and period are not two positive numbers");
    level.quotaCpus = Limit::unknown(Unknown::kUnreadable);
    return;
  }
  level.quotaCpus = Limit::limited(static_cast<double>(*quota) / static_cast<double>(*period), level.path);
}

void CpuSection::readSlow(ReadBuffer& buffer, Warnings& warnings) {
  if (!place_.found()) {
    quotaCpus = Limit::unknown(*place_.problem);
    return;
  }
  bool none = true;
  for (CpuLevel& level : levels_) {
    readLevel(level, buffer, warnings);
    none = none && level.quotaFile.missing();
  }
  (place_.version == 1 ? shares : weight) = orUnknown(parseUnsigned(weightFile_.read(buffer)));
  // v1 without the quota files is a kernel without CONFIG_CFS_BANDWIDTH, which can limit nothing.
  const bool noBandwidth = place_.version == 1 && weightFile_.present();
  quotaCpus = none && !noBandwidth ? limitOfNoLevel(place_) : Limit::unlimited();
  for (const CpuLevel& level : levels_) quotaCpus.tighten(level.quotaCpus);
}

void CpuSection::readHot(ReadBuffer& buffer) {
  const bool v1 = place_.version == 1;
  const auto take = [&](KeptFile& file, bool own) {
    std::string_view text = file.read(buffer);
    for (std::string_view line; nextLine(text, line);) {
      const size_t blank = line.find(' ');
      if (blank == std::string_view::npos) continue;
      const std::string_view key = line.substr(0, blank);
      double* field = key == "nr_periods"                                ? &periods
                      : key == "nr_throttled"                            ? &throttledPeriods
                      : key == (v1 ? "throttled_time" : "throttled_usec") ? &throttledUs
                      : own && key == "usage_usec"                       ? &usageUs
                                                                         : nullptr;
      if (field == nullptr) continue;
      *field = orUnknown(parseUnsigned(line.substr(blank + 1)));
      if (v1 && field == &throttledUs) *field /= 1000;
    }
  };
  usageUs = periods = throttledPeriods = throttledUs = kUnknown;
  take(statFile_, true);
  if (quotaStatFile_.present()) take(quotaStatFile_, false);
  if (usageFile_.present()) usageUs = orUnknown(parseUnsigned(usageFile_.read(buffer))) / 1000;
}

double CpuSection::burstUs() const {
  for (const CpuLevel& level : levels_) {
    if (quotaCpus.isLimited() && level.path == quotaCpus.levelPath) return level.burstUs;
  }
  return levels_.empty() ? kUnknown : levels_.front().burstUs;
}

bool CpuSection::gone() const {
  return statFile_.gone() || quotaStatFile_.gone() || usageFile_.gone() ||
         std::any_of(levels_.begin(), levels_.end(), [](const CpuLevel& level) { return level.quotaFile.gone(); });
}

void CpuSection::hotFiles(std::vector<std::string>& paths) const {
  for (const KeptFile* file : {&statFile_, &quotaStatFile_, &usageFile_}) {
    if (file->present()) paths.push_back(file->path());
  }
}

}  // namespace numacast
