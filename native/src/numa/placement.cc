#include "numa/placement.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <set>

#include "file/root_dir.h"
#include "file/text.h"

namespace numacast {

namespace {

constexpr size_t kBitsPerWord = 8 * sizeof(unsigned long);

/** A kernel bit mask of any width; cpu_set_t ends at 1,024 CPUs. */
std::vector<unsigned long> maskOf(const IdSet& ids) {
  const size_t highest = ids.empty() ? 0 : ids.ids().back();
  std::vector<unsigned long> mask(highest / kBitsPerWord + 1);
  for (const uint32_t id : ids.ids()) mask[id / kBitsPerWord] |= 1UL << (id % kBitsPerWord);
  return mask;
}

}  // namespace

std::optional<CpuAndNode> currentPlace() {
  CpuAndNode place = {};
  if (syscall(SYS_getcpu, &place.cpu, &place.node, nullptr) != 0) return std::nullopt;
  return place;
}

std::optional<IdSet> threadAffinity() {
  for (size_t words = 16; words <= IdSet::kMost / kBitsPerWord; words *= 2) {
    std::vector<unsigned long> mask(words);
    const long bytes = syscall(SYS_sched_getaffinity, 0, words * sizeof(unsigned long), mask.data());
    if (bytes < 0 && errno == EINVAL) continue;  // the kernel's masks are wider
    if (bytes < 0) return std::nullopt;
    std::vector<uint32_t> ids;
    for (size_t id = 0; id < words * kBitsPerWord; ++id) {
      if ((mask[id / kBitsPerWord] >> (id % kBitsPerWord) & 1) != 0) ids.push_back(static_cast<uint32_t>(id));
    }
    return IdSet(std::move(ids));
  }
  return std::nullopt;
}

std::string restrictProcess(const IdSet& cpus) {
  const std::vector<unsigned long> mask = maskOf(cpus);
  const RootDir root("/");
  std::set<std::string> done;
  // A thread that starts meanwhile inherits from a thread that was perhaps not reached yet. Go on until none is new.
  for (bool any = true; any;) {
    any = false;
    std::vector<std::string> threads;
    if (!root.list("/proc/self/task", threads)) return "the threads of this process cannot be listed: " + errnoText(errno);
    for (const std::string& name : threads) {
      const auto thread = parseUnsigned(name);
      if (!thread || !done.insert(name).second) continue;
      any = true;
      const size_t bytes = mask.size() * sizeof(unsigned long);
      if (syscall(SYS_sched_setaffinity, static_cast<pid_t>(*thread), bytes, mask.data()) == 0 || errno == ESRCH) continue;
      return errno == EINVAL ? "none of these CPUs is online and in this process's cpuset"
                             : "sched_setaffinity: " + errnoText(errno);
    }
  }
  return {};
}

std::string setMemoryPolicy(int mode, const IdSet& nodes) {
  // Order of MemoryPolicy in src/topology/numa/placement.ts; values of linux/mempolicy.h.
  constexpr int kModes[] = {0 /* MPOL_DEFAULT */, 2 /* MPOL_BIND */, 1 /* MPOL_PREFERRED */, 3 /* MPOL_INTERLEAVE */};
  if (mode < 0 || mode > 3) return "there is no such memory policy";
  const std::vector<unsigned long> mask = maskOf(nodes);
  // The kernel takes maxnode − 1 bits.
  const unsigned long maxNode = nodes.empty() ? 0 : mask.size() * kBitsPerWord + 1;
  if (syscall(SYS_set_mempolicy, kModes[mode], nodes.empty() ? nullptr : mask.data(), maxNode) == 0) return {};
  if (errno == ENOSYS) return "this kernel is built without NUMA support";
  if (errno == EINVAL) return "these nodes have no memory, or are not in this process's cpuset";
  return "set_mempolicy: " + errnoText(errno);
}

}  // namespace numacast
