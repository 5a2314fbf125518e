#pragma once

#include <optional>
#include <string>
#include <vector>

#include "file/id_set.h"

namespace numacast {

struct CpuAndNode {
  unsigned cpu;
  unsigned node;
};

/** Where the calling thread runs right now. */
std::optional<CpuAndNode> currentPlace();
/** The CPUs that the calling thread may run on, however many the kernel knows. */
std::optional<IdSet> threadAffinity();
/** Restricts every thread of this process; empty when done, else why not. */
std::string restrictProcess(const IdSet& cpus);
/** set_mempolicy(2) for the calling thread; empty when done, else why not. */
std::string setMemoryPolicy(int mode, const IdSet& nodes);

}  // namespace numacast
