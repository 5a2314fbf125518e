#pragma once

#include <vector>

#include "cgroup/cgroup_place.h"
#include "cgroup/limit.h"
#include "file/root_dir.h"
#include "file/warnings.h"

namespace numacast {

struct HugetlbUse {
  double pageBytes;
  Limit limit;
  double current;
};

/** Limits and use of huge pages, one per page size, ascending. Read again each time: they are rarely needed. */
std::vector<HugetlbUse> readHugetlb(const RootDir& root, const CgroupPlace& place, Warnings& warnings);

}  // namespace numacast
