#include "cgroup/sample.h"

#include <time.h>

#include <algorithm>

namespace numacast {

namespace {

/** When cgroups keep vanishing under us, look them up no more often than this; in between, numbers are unknown. */
constexpr double kLeastBetweenLossesUs = 10'000;

double monotonicUs() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

}  // namespace

const char* const kSampleFieldNames[kSampleFields] = {
#define NUMACAST_FIELD(name) #name,
    NUMACAST_SAMPLE_FIELDS(NUMACAST_FIELD)
#undef NUMACAST_FIELD
};

Sampler::Sampler(const std::string& root, int pid, double slowIntervalUs)
    : reader_(root, pid, HeadroomReader::Detail::kWhatCounts), slowIntervalUs_(slowIntervalUs) {
  refresh(monotonicUs());
}

void Sampler::refresh(double nowUs) {
  Warnings unrelated;  // a sampler answers with numbers only; readHeadroom tells the warnings
  exited_ = reader_.exited();
  slowAtUs_ = nowUs;
  if (exited_) return;
  if (discoveries_ == 0 || reader_.gone() || reader_.moved()) {
    reader_.discover(unrelated);
    ++discoveries_;
  }
  reader_.readSlow(unrelated);
}

void Sampler::sample(std::span<double, kSampleFields> values) {
  const double nowUs = monotonicUs();
  if (nowUs - slowAtUs_ >= slowIntervalUs_) refresh(nowUs);
  if (!exited_) {
    reader_.readHot();
    if (reader_.gone() && nowUs - lostAtUs_ >= kLeastBetweenLossesUs) {
      lostAtUs_ = nowUs;
      refresh(nowUs);
      if (!exited_) reader_.readHot();
    }
  }
  if (exited_) {
    std::fill(values.begin(), values.end(), kUnknown);
    values[k_discoveries] = discoveries_;
  } else {
    fill(values);
  }
  values[k_atUs] = nowUs;
}

void Sampler::fill(std::span<double, kSampleFields> values) const {
  const MemorySection& memory = reader_.memory;
  values[k_memoryLimitBytes] = memory.limit.number();
  values[k_memoryHighBytes] = memory.high.number();
  values[k_memoryCurrentBytes] = memory.current();
  values[k_workingSetBytes] = memory.workingSet();
  values[k_safeHeadroomBytes] = memory.safeHeadroom();
  values[k_maxHeadroomBytes] = memory.maxHeadroom();
  values[k_hostAvailableBytes] = memory.host().available;
  values[k_swapCurrentBytes] = memory.swapCurrent;
  values[k_eventsHigh] = memory.eventsHigh;
  values[k_eventsMax] = memory.eventsMax;
  values[k_eventsOom] = memory.eventsOom;
  values[k_eventsOomKill] = memory.eventsOomKill;
  const CpuSection& cpu = reader_.cpu;
  values[k_quotaCpus] = cpu.quotaCpus.number();
  values[k_effectiveCpus] = reader_.effectiveCpus();
  values[k_cpuUsageUs] = cpu.usageUs;
  values[k_cpuPeriods] = cpu.periods;
  values[k_cpuThrottledPeriods] = cpu.throttledPeriods;
  values[k_cpuThrottledUs] = cpu.throttledUs;
  values[k_pidsLimit] = reader_.pids.limit.number();
  values[k_pidsCurrent] = reader_.pids.current();
  size_t at = k_cpuSomeAvg10;
  for (const auto resource : {PressureSection::kCpu, PressureSection::kMemory, PressureSection::kIo}) {
    const Pressure& now = reader_.pressure.entry(resource).now;
    for (const PressureLine* line : {&now.some, &now.full}) {
      values[at++] = line->avg10;
      values[at++] = line->totalUs;
    }
  }
  values[k_discoveries] = discoveries_;
}

}  // namespace numacast
