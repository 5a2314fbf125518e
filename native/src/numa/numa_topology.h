#pragma once

#include <string>
#include <vector>

#include "file/id_set.h"
#include "file/root_dir.h"
#include "file/warnings.h"
#include "host/host_memory.h"
#include "host/mount_table.h"

namespace numacast {

struct Hugepages {
  double pageBytes;
  double total;
  double free;
  double surplus;
};

struct NumaNode {
  uint32_t id = 0;
  IdSet cpus;
  IdSet localCpus;
  HostMemory memory;
  std::vector<Hugepages> hugepages;
  /** Whether the effective mems include it; unset when they are not known. */
  std::optional<bool> allowed;
};

struct NumaTopology {
  /** False: the kernel's nodes. True: one node stands for a machine without any. */
  bool synthesised = false;
  std::vector<NumaNode> nodes;
  /** Row = from, column = to, in the order of `nodes`; empty when not known. */
  std::vector<std::vector<uint32_t>> distances;
  Warnings warnings;

  static NumaTopology read(const std::string& root);
};

}  // namespace numacast
