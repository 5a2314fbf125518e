#pragma once

#include <vector>

#include "cgroup/cgroup_place.h"
#include "cgroup/limit.h"
#include "file/kept_file.h"
#include "file/warnings.h"

namespace numacast {

struct CpuLevel {
  std::string path;
  /** v2: cpu.max holds quota and period; v1: cpu.cfs_quota_us and cpu.cfs_period_us. */
  KeptFile quotaFile, periodFile, burstFile;
  Limit quotaCpus;
  double periodUs = kUnknown;
  double burstUs = kUnknown;
};

/** What the CPU controller allows and counts. Times in µs. */
class CpuSection {
 public:
  /** v1 counts CPU time in a controller of its own, `cpuacct`; on v2 `accounting` is the same place. */
  void open(const RootDir& root, CgroupPlace place, const CgroupPlace& accounting);
  void readSlow(ReadBuffer& buffer, Warnings& warnings);
  void readHot(ReadBuffer& buffer);

  bool gone() const;
  void hotFiles(std::vector<std::string>& paths) const;
  const CgroupPlace& place() const { return place_; }
  const std::vector<CpuLevel>& levels() const { return levels_; }
  /** Burst at the level that sets the quota. */
  double burstUs() const;

  Limit quotaCpus;
  double weight = kUnknown, shares = kUnknown;
  double usageUs = kUnknown, periods = kUnknown, throttledPeriods = kUnknown, throttledUs = kUnknown;

 private:
  void readLevel(CpuLevel& level, ReadBuffer& buffer, Warnings& warnings) const;

  CgroupPlace place_;
  std::vector<CpuLevel> levels_;
  KeptFile weightFile_;
  /** cpu.stat of the process's own cgroup, and of the nearest one with a quota where that is another. */
  KeptFile statFile_, quotaStatFile_;
  KeptFile usageFile_;
};

}  // namespace numacast
