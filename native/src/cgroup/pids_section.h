#pragma once

#include <vector>

#include "cgroup/cgroup_place.h"
#include "cgroup/limit.h"
#include "file/kept_file.h"
#include "file/warnings.h"

namespace numacast {

/** How many tasks the cgroups still allow. */
class PidsSection {
 public:
  void open(const RootDir& root, CgroupPlace place);
  void readSlow(ReadBuffer& buffer, Warnings& warnings);
  void readHot(ReadBuffer& buffer);

  bool gone() const;
  void hotFiles(std::vector<std::string>& paths) const;
  const CgroupPlace& place() const { return place_; }
  double current() const;
  /** `min` over the levels of limit − current; unknown where no level has a limit. */
  double headroom() const;

  Limit limit;

 private:
  struct Level {
    std::string path;
    KeptFile maxFile, currentFile;
    Limit max;
    double current = kUnknown;
  };

  CgroupPlace place_;
  std::vector<Level> levels_;
};

}  // namespace numacast
