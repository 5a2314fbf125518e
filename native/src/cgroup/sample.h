#pragma once

#include <span>

#include "cgroup/headroom_reader.h"

namespace numacast {

/** The numbers of a sample, in order. src/topology/cgroup/headroom-sample.ts holds the same list; a test compares them. */
#define NUMACAST_SAMPLE_FIELDS(X)                                                                                    \
  X(atUs) X(memoryLimitBytes) X(memoryHighBytes) X(memoryCurrentBytes) X(workingSetBytes) X(safeHeadroomBytes)       \
  X(maxHeadroomBytes) X(hostAvailableBytes) X(swapCurrentBytes) X(eventsHigh) X(eventsMax) X(eventsOom)              \
  X(eventsOomKill) X(quotaCpus) X(effectiveCpus) X(cpuUsageUs) X(cpuPeriods) X(cpuThrottledPeriods)                  \
  X(cpuThrottledUs) X(pidsLimit) X(pidsCurrent) X(cpuSomeAvg10) X(cpuSomeTotalUs) X(cpuFullAvg10) X(cpuFullTotalUs)  \
  X(memorySomeAvg10) X(memorySomeTotalUs) X(memoryFullAvg10) X(memoryFullTotalUs) X(ioSomeAvg10) X(ioSomeTotalUs)    \
  X(ioFullAvg10) X(ioFullTotalUs) X(discoveries)

enum SampleField {
#define NUMACAST_FIELD(name) k_##name,
  NUMACAST_SAMPLE_FIELDS(NUMACAST_FIELD)
#undef NUMACAST_FIELD
  kSampleFields
};

extern const char* const kSampleFieldNames[kSampleFields];

/**
 * Reads one process's headroom again and again. Every sample reads the hot files; the slow ones, and whether the
 * process is still where it was, only when `slowIntervalUs` has passed. When cgroups turn out to be gone or the
 * process moved, it looks everything up again within the same sample.
 */
class Sampler {
 public:
  Sampler(const std::string& root, int pid, double slowIntervalUs);

  void sample(std::span<double, kSampleFields> values);
  std::vector<std::string> hotFiles() const { return reader_.hotFiles(); }

 private:
  void refresh(double nowUs);
  void fill(std::span<double, kSampleFields> values) const;

  HeadroomReader reader_;
  double slowIntervalUs_;
  double slowAtUs_ = -1e18;
  /** When files were last found to be gone. */
  double lostAtUs_ = -1e18;
  double discoveries_ = 0;
  bool exited_ = false;
};

}  // namespace numacast
