#pragma once

#include <vector>

#include "cgroup/cgroup_place.h"
#include "cgroup/limit.h"
#include "file/kept_file.h"
#include "file/warnings.h"
#include "host/host_memory.h"

namespace numacast {

/** One cgroup on the way from the process's own to the mount's root. */
struct MemoryLevel {
  std::string path;
  KeptFile maxFile, highFile, currentFile, statFile, swapMaxFile;
  Limit max, high, swapMax;
  double current = kUnknown;
  double inactiveFile = kUnknown;
  double activeFile = kUnknown;
  double slabReclaimable = kUnknown;

  bool limited() const { return max.state != Limit::State::kUnlimited || high.state != Limit::State::kUnlimited; }
  double workingSet() const;
};

struct NodeUse {
  uint32_t nodeId;
  double anonBytes;
  double fileBytes;
};

/** What the memory controller allows and counts, over all levels. */
class MemorySection {
 public:
  /** `everyLevel` reads the use of unlimited ancestors too, which no formula needs. */
  void open(const RootDir& root, CgroupPlace place, bool hostIsVirtual, bool everyLevel);
  /** Limits, memory.stat, events, /proc/meminfo. */
  void readSlow(ReadBuffer& buffer, Warnings& warnings);
  /** Use, at the levels that matter. */
  void readHot(ReadBuffer& buffer);
  /** Use per NUMA node, read again each time. */
  std::vector<NodeUse> readNodes(const RootDir& root, Warnings& warnings) const;

  bool gone() const;
  void hotFiles(std::vector<std::string>& paths) const;

  const CgroupPlace& place() const { return place_; }
  const std::vector<MemoryLevel>& levels() const { return levels_; }
  const HostMemory& host() const { return host_; }
  double current() const { return levels_.empty() ? kUnknown : levels_[own_].current; }
  double workingSet() const { return levels_.empty() ? kUnknown : levels_[own_].workingSet(); }
  double safeHeadroom() const;
  double maxHeadroom() const;

  Limit limit, high, swapLimit;
  double swapCurrent = kUnknown;
  double eventsHigh = kUnknown, eventsMax = kUnknown, eventsOom = kUnknown, eventsOomKill = kUnknown;

 private:
  /** `machineBytes`: what the machine has of it, or unknown. */
  Limit readLimit(KeptFile& file, const std::string& level, double machineBytes, ReadBuffer& buffer,
                  Warnings& warnings) const;
  /** Whether a limit cannot be reached, because the machine has no more. */
  bool exceedsMachine(double bytes, double machineBytes) const;
  /** What a swap limit is compared with: v1 limits memory and swap together. */
  double machineSwap() const;
  void readStat(MemoryLevel& level, ReadBuffer& buffer, Warnings& warnings);
  void readEvents(ReadBuffer& buffer);
  void combine();
  void applyHiddenLimit(ReadBuffer& buffer, Warnings& warnings);
  bool matters(const MemoryLevel& level) const { return everyLevel_ || &level == &levels_[own_] || level.limited(); }

  CgroupPlace place_;
  bool hostIsVirtual_ = false;
  bool everyLevel_ = false;
  std::vector<MemoryLevel> levels_;
  /** The nearest level that counts memory: on v2 the process's own need not. */
  size_t own_ = 0;
  KeptFile hostFile_, eventsFile_, oomFile_, swapCurrentFile_;
  HostMemory host_;
  double hierarchicalLimit_ = kUnknown;
};

}  // namespace numacast
