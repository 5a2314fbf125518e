#include "cgroup/headroom_reader.h"

#include <algorithm>
#include <cmath>

#include "process/process_stat.h"

namespace numacast {

HeadroomReader::HeadroomReader(const std::string& root, int pid, Detail detail)
    : root_(root), processDirectory_(pid == 0 ? "/proc/self" : "/proc/" + std::to_string(pid)), pid_(pid), detail_(detail) {
  if (pid != 0 && root_.live()) {
    if (const auto stat = ProcessStat::read(pid)) startTime_ = static_cast<double>(stat->startTime);
  }
}

void HeadroomReader::discover(Warnings& warnings) {
  mounts_ = MountTable::read(root_, warnings);
  membershipFile_ = KeptFile(root_, processDirectory_ + "/cgroup");
  membership_ = std::string(membershipFile_.read(buffer_));
  if (membershipFile_.error() != 0) {
    warnings.add("membership-unreadable", membershipFile_.path(), errnoText(membershipFile_.error()));
  }
  const CgroupLocator locator(root_, mounts_, CgroupMembership::parse(membership_, membershipFile_.path(), warnings),
                              warnings);
  layout = locator.layout();
  const bool virtualHost = mounts_.hasMountAt("/proc/meminfo", "fuse.lxcfs");
  memory.open(root_, locator.locate("memory"), virtualHost, detail_ == Detail::kEveryLevel);
  cpu.open(root_, locator.locate("cpu"), locator.locate("cpuacct"));
  cpuset.open(root_, locator.locate("cpuset"), processDirectory_);
  pids.open(root_, locator.locate("pids"));
  hugetlbPlace_ = locator.locate("hugetlb");
  unifiedPlace_ = locator.locateUnified();
  pressure.open(root_, unifiedPlace_);
}

void HeadroomReader::readSlow(Warnings& warnings) {
  memory.readSlow(buffer_, warnings);
  cpu.readSlow(buffer_, warnings);
  cpuset.read(root_, mounts_, buffer_, warnings);
  pids.readSlow(buffer_, warnings);
}

void HeadroomReader::readHot() {
  memory.readHot(buffer_);
  cpu.readHot(buffer_);
  pids.readHot(buffer_);
  pressure.readHot(buffer_);
}

bool HeadroomReader::moved() { return membershipFile_.read(buffer_) != membership_; }

bool HeadroomReader::gone() const {
  return memory.gone() || cpu.gone() || cpuset.gone() || pids.gone() || pressure.gone();
}

bool HeadroomReader::exited() {
  if (pid_ == 0 || !root_.live()) return false;
  const auto stat = ProcessStat::read(pid_);
  return !stat || static_cast<double>(stat->startTime) != startTime_;
}

double HeadroomReader::effectiveCpus() const {
  const double cpus = cpuset.usable ? static_cast<double>(cpuset.usable->size()) : kUnknown;
  if (cpu.quotaCpus.isUnknown()) {
    // No visible hierarchy carries the controller: nothing that we could know of divides the CPUs further.
    return cpu.quotaCpus.reason == Unknown::kNotMounted || layout == Layout::kNone ? cpus : kUnknown;
  }
  if (!cpu.quotaCpus.isLimited()) return cpus;
  return std::isnan(cpus) ? cpu.quotaCpus.value : std::min(cpu.quotaCpus.value, cpus);
}

/** No if any hierarchy hides ancestors, yes if none does. */
Visible HeadroomReader::ancestorsVisible() const {
  std::optional<Visible> whole;
  for (const CgroupPlace* place : {&memory.place(), &cpu.place()}) {
    if (!place->found()) continue;
    if (place->ancestorsVisible == Visible::kNo) return Visible::kNo;
    if (place->ancestorsVisible == Visible::kNotKnown || !whole) whole = place->ancestorsVisible;
  }
  return whole.value_or(Visible::kNotKnown);
}

std::vector<std::string> HeadroomReader::hotFiles() const {
  std::vector<std::string> paths;
  memory.hotFiles(paths);
  cpu.hotFiles(paths);
  pids.hotFiles(paths);
  pressure.hotFiles(paths);
  return paths;
}

std::vector<const CgroupPlace*> HeadroomReader::places() const {
  std::vector<const CgroupPlace*> found;
  for (const CgroupPlace* place : {&memory.place(), &cpu.place(), &cpuset.place(), &pids.place(), &hugetlbPlace_}) {
    if (place->found()) found.push_back(place);
  }
  if (unifiedPlace_.found()) found.push_back(&unifiedPlace_);
  return found;
}

}  // namespace numacast
