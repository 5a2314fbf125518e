#pragma once

#include <string_view>

#include "file/text.h"

namespace numacast {

/** /proc/meminfo, or a node's meminfo; bytes, or unknown. */
struct HostMemory {
  double total = kUnknown;
  double free = kUnknown;
  double available = kUnknown;
  double activeFile = kUnknown;
  double inactiveFile = kUnknown;
  double slabReclaimable = kUnknown;
  double swapTotal = kUnknown;

  /** Every line is "[Node <id>] Key: value kB". */
  static HostMemory parse(std::string_view text);
  /** Free, and what dropping clean pages would free; unknown without `free`. */
  double reclaimable() const;
};

}  // namespace numacast
