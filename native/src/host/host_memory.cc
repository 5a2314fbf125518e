#include "host/host_memory.h"

#include <cmath>

namespace numacast {

HostMemory HostMemory::parse(std::string_view text) {
  HostMemory memory;
  for (std::string_view line; nextLine(text, line);) {
    std::string_view key, value, unit;
    if (!nextWord(line, key)) continue;
    if (key == "Node" && !(nextWord(line, key) && nextWord(line, key))) continue;
    if (!nextWord(line, value)) continue;
    double* field = key == "MemTotal:"         ? &memory.total
                    : key == "MemFree:"        ? &memory.free
                    : key == "MemAvailable:"   ? &memory.available
                    : key == "Active(file):"   ? &memory.activeFile
                    : key == "Inactive(file):" ? &memory.inactiveFile
                    : key == "SReclaimable:"   ? &memory.slabReclaimable
                    : key == "SwapTotal:"      ? &memory.swapTotal
                                               : nullptr;
    const auto number = parseUnsigned(value);
    if (field == nullptr || !number) continue;
    const bool kilobytes = nextWord(line, unit) && unit == "kB";
    *field = static_cast<double>(*number) * (kilobytes ? 1024 : 1);
  }
  return memory;
}

double HostMemory::reclaimable() const {
  double sum = free;
  for (const double part : {activeFile, inactiveFile, slabReclaimable}) {
    if (!std::isnan(part)) sum += part;
  }
  return sum;
}

}  // namespace numacast
