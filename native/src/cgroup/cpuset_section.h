#pragma once

#include <optional>
#include <vector>

#include "cgroup/cgroup_place.h"
#include "file/id_set.h"
#include "file/kept_file.h"
#include "file/warnings.h"
#include "host/mount_table.h"

namespace numacast {

/** Which CPUs and nodes a process may use, from three sources that can each be missing. */
class CpusetSection {
 public:
  void open(const RootDir& root, CgroupPlace place, const std::string& processDirectory);
  void read(const RootDir& root, const MountTable& mounts, ReadBuffer& buffer, Warnings& warnings);

  const CgroupPlace& place() const { return place_; }
  bool gone() const;
  /** The nodes that the process may allocate on: the cpuset's, else those of its status file. */
  const std::optional<IdSet>& allowedMems() const { return mems ? mems : statusMems_; }

  /** Effective sets of the cgroup; an empty one stands for its parent's. */
  std::optional<IdSet> cpus, mems;
  std::optional<IdSet> affinity;
  std::optional<IdSet> online;
  /** cpus ∩ affinity ∩ online, as far as they are known. */
  std::optional<IdSet> usable;

 private:
  std::optional<IdSet> nearest(std::vector<KeptFile>& files, ReadBuffer& buffer, Warnings& warnings);
  void readStatus(ReadBuffer& buffer, Warnings& warnings);

  CgroupPlace place_;
  std::vector<KeptFile> cpuFiles_, memFiles_;
  KeptFile statusFile_;
  std::optional<IdSet> statusMems_;
};

/**
 * The online CPUs: `cpu/online`, or where that is missing or a container's view (lxcfs shows its CPUs as 0 to n−1) each
 * `cpuN/online`. `effective` is what the process may run on, to compare with.
 */
std::optional<IdSet> readOnlineCpus(const RootDir& root, const MountTable& mounts, const std::optional<IdSet>& effective,
                                    Warnings& warnings);

}  // namespace numacast
