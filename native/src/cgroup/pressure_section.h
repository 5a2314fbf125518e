#pragma once

#include <array>
#include <optional>
#include <vector>

#include "cgroup/cgroup_place.h"
#include "file/kept_file.h"
#include "file/text.h"

namespace numacast {

struct PressureLine {
  double avg10 = kUnknown, avg60 = kUnknown, avg300 = kUnknown, totalUs = kUnknown;
  bool known() const { return totalUs == totalUs; }
};

/** Pressure stall information of one resource. */
struct Pressure {
  PressureLine some, full;
  static Pressure parse(std::string_view text);
};

/** The process's cgroup's own pressure on v2, else the whole machine's. */
class PressureSection {
 public:
  enum Resource { kCpu, kMemory, kIo, kResources };

  void open(const RootDir& root, const CgroupPlace& unified);
  void readHot(ReadBuffer& buffer);

  bool gone() const;
  void hotFiles(std::vector<std::string>& paths) const;

  struct Entry {
    KeptFile file;
    bool ofCgroup = false;
    Pressure now;
  };
  const Entry& entry(Resource resource) const { return entries_[resource]; }

 private:
  std::array<Entry, kResources> entries_;
};

}  // namespace numacast
