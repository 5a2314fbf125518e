#pragma once

#include <string>
#include <vector>

#include "cgroup/cgroup_place.h"
#include "cgroup/cpu_section.h"
#include "cgroup/cpuset_section.h"
#include "cgroup/hugetlb_reading.h"
#include "cgroup/memory_section.h"
#include "cgroup/pids_section.h"
#include "cgroup/pressure_section.h"

namespace numacast {

/**
 * Everything that cgroups allow and count for one process. `discover` finds the directories and opens their files,
 * `readSlow` and `readHot` read them as often as the caller likes: one reading is discover + readSlow + readHot, a
 * sampler repeats the last two.
 */
class HeadroomReader {
 public:
  /** For one reading every level is told of in full; a sampler reads what its numbers depend on. */
  enum class Detail { kEveryLevel, kWhatCounts };

  /** `pid` 0: this process, or a capture's "self". */
  HeadroomReader(const std::string& root, int pid, Detail detail);

  void discover(Warnings& warnings);
  void readSlow(Warnings& warnings);
  void readHot();

  /** Whether the process sits in other cgroups than at the last discovery. */
  bool moved();
  /** Whether a file that was open turned out to be gone. */
  bool gone() const;
  /** The process that was asked for has exited; its pid may belong to another by now. */
  bool exited();

  /** `min(quota, usable CPUs)`. */
  double effectiveCpus() const;
  Visible ancestorsVisible() const;
  std::vector<std::string> hotFiles() const;
  std::vector<HugetlbUse> hugetlb(Warnings& warnings) const { return readHugetlb(root_, hugetlbPlace_, warnings); }
  std::vector<NodeUse> memoryByNode(Warnings& warnings) const { return memory.readNodes(root_, warnings); }
  std::vector<const CgroupPlace*> places() const;

  Layout layout = Layout::kNone;
  MemorySection memory;
  CpuSection cpu;
  CpusetSection cpuset;
  PidsSection pids;
  PressureSection pressure;

 private:
  RootDir root_;
  std::string processDirectory_;
  int pid_;
  Detail detail_;
  double startTime_ = kUnknown;
  ReadBuffer buffer_;
  MountTable mounts_;
  KeptFile membershipFile_;
  std::string membership_;
  CgroupPlace hugetlbPlace_, unifiedPlace_;
};

}  // namespace numacast
