#include "numa/numa_topology.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "cgroup/cgroup_place.h"
#include "cgroup/cpuset_section.h"
#include "file/text.h"

namespace numacast {

namespace {

constexpr const char* kNodes = "/sys/devices/system/node";
constexpr const char* kBusNodes = "/sys/bus/node/devices";
/** The kernel's own ceiling (NODES_SHIFT 10); more is junk, and each costs a dozen system calls. */
constexpr size_t kMostNodes = 1024;

class TopologyReader {
 public:
  TopologyReader(const std::string& root, NumaTopology& topology)
      : root_(root), topology_(topology), warnings_(topology.warnings) {}

  void read() {
    readContext();
    const std::optional<IdSet> ids = nodeIds();
    if (!ids) {
      synthesise();
      return;
    }
    for (const uint32_t id : ids->ids()) readNode(id);
    readDistances();
    for (NumaNode& node : topology_.nodes) findLocalCpus(node);
    warnOfOverlap();
    warnOfMissingMemory();
  }

 private:
  /** The process's cpuset, and the CPUs that are online. */
  void readContext() {
    Warnings unrelated;  // of the mount table and cgroups: readHeadroom reports them
    const MountTable mounts = MountTable::read(root_, unrelated);
    const FileText membership = root_.read("/proc/self/cgroup");
    const CgroupLocator locator(root_, mounts, CgroupMembership::parse(membership.text, "", unrelated), unrelated);
    ReadBuffer buffer;
    CpusetSection cpuset;
    cpuset.open(root_, locator.locate("cpuset"), "/proc/self");
    cpuset.read(root_, mounts, buffer, unrelated);
    allowed_ = cpuset.allowedMems();
    online_ = readOnlineCpus(root_, mounts, cpuset.cpus ? cpuset.cpus : cpuset.affinity, warnings_);
  }

  std::string nodePath(uint32_t id) const { return base_ + "/node" + std::to_string(id); }

  IdSet nodesIn(const std::string& directory) const {
    std::vector<std::string> names;
    root_.list(directory, names);
    std::vector<uint32_t> ids;
    for (const std::string& name : names) {
      const auto id = numberAfter(name, "node");
      if (id && *id < IdSet::kMost && ids.size() < kMostNodes) ids.push_back(static_cast<uint32_t>(*id));
    }
    return IdSet(std::move(ids));
  }

  /** node/online, else the directories, else the bus; sets `base_` to where the nodes' own directories are. */
  std::optional<IdSet> nodeIds() {
    const std::string path = std::string(kNodes) + "/online";
    const IdSet directories = nodesIn(kNodes);
    const IdSet bus = nodesIn(kBusNodes);
    base_ = directories.empty() && !bus.empty() ? kBusNodes : kNodes;
    const FileText file = root_.read(path);
    if (file.ok()) {
      const auto online = IdSet::parseList(file.text);
      if (online && !online->empty() && online->size() <= kMostNodes) {
        if (directories.empty() && bus.empty()) {
          warnings_.add("nodes-missing", kNodes, "it lists nodes as online, but none has a directory");
          return std::nullopt;
        }
        const IdSet missing = online->minus(directories.empty() ? bus : directories);
        if (!missing.empty()) {
          warnings_.add("nodes-missing", kNodes,
                        "node " + std::to_string(missing.ids().front()) + " is listed as online, but has no directory");
        }
        return online;
      }
      warnings_.add("malformed", path, "this is no list of nodes; the node directories were taken instead");
    } else if (!file.missing()) {
      warnings_.add("unreadable", path, errnoText(file.error));
    }
    if (!directories.empty()) return directories;
    if (!bus.empty()) return bus;
    return std::nullopt;
  }

  /** One node for the whole machine. */
  void synthesise() {
    topology_.synthesised = true;
    warnings_.add("nodes-synthesised", kNodes, "the kernel shows no NUMA nodes: one stands for the whole machine");
    NumaNode node;
    if (online_) node.cpus = *online_;
    if (!online_) warnings_.add("unreadable", "/sys/devices/system/cpu/online", "which CPUs are online is not known");
    node.localCpus = node.cpus;
    const FileText memory = root_.read("/proc/meminfo");
    if (!memory.ok()) warnings_.add("unreadable", "/proc/meminfo", errnoText(memory.error));
    node.memory = HostMemory::parse(memory.text);
    node.hugepages = readHugepages("/sys/kernel/mm/hugepages");
    node.allowed = true;
    topology_.nodes.push_back(std::move(node));
  }

  void readNode(uint32_t id) {
    const std::string path = nodePath(id);
    NumaNode node;
    node.id = id;
    node.cpus = readCpus(path);
    const FileText memory = root_.read(path + "/meminfo");
    if (memory.ok()) {
      node.memory = HostMemory::parse(memory.text);
      if (std::isnan(node.memory.total)) warnings_.add("malformed", path + "/meminfo", "it has no MemTotal");
    } else {
      warnings_.add("unreadable", path + "/meminfo", errnoText(memory.error));
    }
    node.hugepages = readHugepages(path + "/hugepages");
    if (allowed_) node.allowed = allowed_->contains(id);
    topology_.nodes.push_back(std::move(node));
  }

  IdSet readCpus(const std::string& path) {
    std::optional<IdSet> cpus;
    const FileText list = root_.read(path + "/cpulist");
    if (list.ok()) cpus = IdSet::parseList(list.text);
    if (list.ok() ? !cpus : !list.missing()) {
      warnings_.add(list.ok() ? "malformed" : "unreadable", path + "/cpulist",
                    list.ok() ? "this is no list of CPUs; cpumap was read instead" : errnoText(list.error));
    }
    if (!cpus) {
      const FileText map = root_.read(path + "/cpumap");
      if (map.ok()) cpus = IdSet::parseMask(map.text);
      if (!cpus) {
        warnings_.add(map.ok() ? "malformed" : "unreadable", path + "/cpumap",
                      map.ok() ? "this is no mask of CPUs" : errnoText(map.error));
      }
    }
    if (!cpus) return {};
    return online_ ? cpus->intersect(*online_) : *cpus;
  }

  std::vector<Hugepages> readHugepages(const std::string& path) const {
    std::vector<std::string> names;
    root_.list(path, names);
    std::vector<Hugepages> all;
    for (const std::string& name : names) {
      if (!name.ends_with("kB") || all.size() >= 32) continue;
      const auto kilobytes = numberAfter(std::string_view(name).substr(0, name.size() - 2), "hugepages-");
      if (!kilobytes || *kilobytes == 0) continue;
      const auto count = [&](const char* file) {
        const auto value = parseUnsigned(root_.read(path + "/" + name + "/" + file).text);
        return value ? static_cast<double>(*value) : kUnknown;
      };
      Hugepages pages{static_cast<double>(*kilobytes) * 1024, count("nr_hugepages"), count("free_hugepages"),
                      count("surplus_hugepages")};
      if (!std::isnan(pages.total)) all.push_back(pages);
    }
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.pageBytes < b.pageBytes; });
    return all;
  }

  /** The k-th number of a row is the distance to the k-th online node. One bad row spoils the matrix. */
  void readDistances() {
    std::vector<std::vector<uint32_t>> matrix;
    for (const NumaNode& node : topology_.nodes) {
      const std::string path = nodePath(node.id) + "/distance";
      const FileText file = root_.read(path);
      if (!file.ok()) {
        warnings_.add("distances-unreadable", path, errnoText(file.error));
        return;
      }
      std::vector<uint32_t> row;
      std::string_view text = file.text;
      for (std::string_view word; nextWord(text, word);) {
        const auto distance = parseUnsigned(word);
        if (!distance || *distance == 0 || *distance > 65535) {
          warnings_.add("distances-malformed", path, "a distance is no number from 1 to 65535");
          return;
        }
        row.push_back(static_cast<uint32_t>(*distance));
        if (row.size() > topology_.nodes.size()) break;
      }
      if (row.size() != topology_.nodes.size()) {
        warnings_.add("distances-malformed", path, "the row does not have one distance per online node");
        return;
      }
      matrix.push_back(std::move(row));
    }
    topology_.distances = std::move(matrix);
  }

  /** Own CPUs, else those of the initiators that firmware names, else those of the nearest nodes. */
  void findLocalCpus(NumaNode& node) const {
    node.localCpus = node.cpus;
    if (!node.localCpus.empty()) return;
    for (const char* access : {"/access1/initiators", "/access0/initiators"}) {
      const IdSet initiators = nodesIn(nodePath(node.id) + access);
      for (const NumaNode& other : topology_.nodes) {
        if (initiators.contains(other.id)) node.localCpus = node.localCpus.unite(other.cpus);
      }
      if (!node.localCpus.empty()) return;
    }
    if (topology_.distances.empty()) return;
    const size_t to = static_cast<size_t>(&node - topology_.nodes.data());
    uint32_t least = UINT32_MAX;
    size_t candidates = 0;
    std::vector<size_t> nearest;
    for (size_t from = 0; from < topology_.nodes.size(); ++from) {
      if (topology_.nodes[from].cpus.empty()) continue;
      ++candidates;
      const uint32_t distance = topology_.distances[from][to];
      if (distance < least) nearest.clear();
      least = std::min(least, distance);
      if (distance == least) nearest.push_back(from);
    }
    // All equally far away singles none out.
    if (nearest.size() == candidates && candidates > 1) return;
    for (const size_t from : nearest) node.localCpus = node.localCpus.unite(topology_.nodes[from].cpus);
  }

  void warnOfOverlap() {
    std::vector<uint32_t> all;
    for (const NumaNode& node : topology_.nodes) all.insert(all.end(), node.cpus.ids().begin(), node.cpus.ids().end());
    std::sort(all.begin(), all.end());
    const auto twice = std::adjacent_find(all.begin(), all.end());
    if (twice != all.end()) {
      warnings_.add("nodes-overlap", kNodes, "CPU " + std::to_string(*twice) + " belongs to more than one node");
    }
    if (!online_) return;
    const IdSet missing = online_->minus(IdSet(std::move(all)));
    if (!missing.empty()) {
      warnings_.add("cpus-without-node", kNodes,
                    "CPU " + std::to_string(missing.ids().front()) + " is online, but belongs to no node");
    }
  }

  /** A memory balloon, or lxcfs: the memory of the nodes does not add up to MemTotal. */
  void warnOfMissingMemory() {
    const double host = HostMemory::parse(root_.read("/proc/meminfo").text).total;
    double sum = 0;
    for (const NumaNode& node : topology_.nodes) sum += node.memory.total;
    if (std::isnan(sum) || std::isnan(host) || (sum > 0.8 * host && sum < 1.2 * host)) return;
    const auto mebibytes = [](double bytes) { return std::to_string(static_cast<uint64_t>(bytes / (1 << 20))) + " MiB"; };
    warnings_.add("nodes-memory-differs", "/proc/meminfo",
                  "the nodes have " + mebibytes(sum) + ", MemTotal is " + mebibytes(host));
  }

  const RootDir root_;
  NumaTopology& topology_;
  Warnings& warnings_;
  std::string base_ = kNodes;
  std::optional<IdSet> allowed_;
  std::optional<IdSet> online_;
};

}  // namespace

NumaTopology NumaTopology::read(const std::string& root) {
  NumaTopology topology;
  TopologyReader(root, topology).read();
  return topology;
}

}  // namespace numacast
