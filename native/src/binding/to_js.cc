#include "binding/to_js.h"

#include <string>
#include <vector>

namespace numacast {

namespace {

/** A plain object, field by field. */
class Fields {
 public:
  explicit Fields(Napi::Env env) : env_(env), object_(Napi::Object::New(env)) {}
  Fields& set(const char* name, Napi::Value value) {
    object_.Set(name, value);
    return *this;
  }
  Fields& set(const char* name, double number) { return set(name, toJs(env_, number)); }
  Fields& set(const char* name, const std::string& text) { return set(name, Napi::String::New(env_, text)); }
  Fields& set(const char* name, const char* text) { return set(name, Napi::String::New(env_, text)); }
  Fields& set(const char* name, const Limit& limit) { return set(name, toJs(env_, limit)); }
  Napi::Object object() const { return object_; }

 private:
  Napi::Env env_;
  Napi::Object object_;
};

template <typename Items, typename Convert>
Napi::Array listOf(Napi::Env env, const Items& items, Convert convert) {
  Napi::Array array = Napi::Array::New(env, items.size());
  uint32_t index = 0;
  for (const auto& item : items) array.Set(index++, convert(item));
  return array;
}

const char* nameOf(Unknown reason) {
  switch (reason) {
    case Unknown::kUnreadable: return "unreadable";
    case Unknown::kNotMounted: return "not-mounted";
    case Unknown::kOutsideMount: return "outside-mount";
  }
  return "unreadable";
}

const char* nameOf(Layout layout) {
  switch (layout) {
    case Layout::kNone: return "none";
    case Layout::kV1: return "v1";
    case Layout::kV2: return "v2";
    case Layout::kHybrid: return "hybrid";
  }
  return "none";
}

Napi::Value toJs(Napi::Env env, Visible visible) {
  if (visible == Visible::kNotKnown) return Napi::String::New(env, "unknown");
  return Napi::Boolean::New(env, visible == Visible::kYes);
}

Napi::Value toJs(Napi::Env env, const std::optional<IdSet>& ids) { return ids ? toJs(env, *ids) : env.Null(); }

Napi::Object memoryToJs(Napi::Env env, HeadroomReader& reader, Warnings& warnings) {
  const MemorySection& memory = reader.memory;
  const auto level = [&](const MemoryLevel& one) {
    return Fields(env)
        .set("path", one.path)
        .set("limit", one.max)
        .set("high", one.high)
        .set("currentBytes", one.current)
        .set("workingSetBytes", one.workingSet())
        .object();
  };
  const auto use = [&](const NodeUse& node) {
    return Fields(env)
        .set("nodeId", static_cast<double>(node.nodeId))
        .set("anonBytes", node.anonBytes)
        .set("fileBytes", node.fileBytes)
        .object();
  };
  return Fields(env)
      .set("limit", memory.limit)
      .set("high", memory.high)
      .set("currentBytes", memory.current())
      .set("workingSetBytes", memory.workingSet())
      .set("safeHeadroomBytes", memory.safeHeadroom())
      .set("maxHeadroomBytes", memory.maxHeadroom())
      .set("hostAvailableBytes", memory.host().available)
      .set("hostTotalBytes", memory.host().total)
      .set("swap", Fields(env)
                       .set("limit", memory.swapLimit)
                       .set("currentBytes", memory.swapCurrent)
                       .set("counts", memory.place().version == 1 ? "memory+swap" : "swap")
                       .object())
      .set("events", Fields(env)
                         .set("high", memory.eventsHigh)
                         .set("max", memory.eventsMax)
                         .set("oom", memory.eventsOom)
                         .set("oomKill", memory.eventsOomKill)
                         .object())
      .set("byNode", listOf(env, reader.memoryByNode(warnings), use))
      .set("levels", listOf(env, memory.levels(), level))
      .object();
}

Napi::Object cpuToJs(Napi::Env env, const HeadroomReader& reader) {
  const CpuSection& cpu = reader.cpu;
  const auto level = [&](const CpuLevel& one) {
    return Fields(env)
        .set("path", one.path)
        .set("quotaCpus", one.quotaCpus)
        .set("periodUs", one.periodUs)
        .object();
  };
  return Fields(env)
      .set("quotaCpus", cpu.quotaCpus)
      .set("effectiveCpus", reader.effectiveCpus())
      .set("cpus", reader.cpuset.usable ? toJs(env, *reader.cpuset.usable) : Napi::Array::New(env))
      .set("burstUs", cpu.burstUs())
      .set("weight", cpu.weight)
      .set("shares", cpu.shares)
      .set("usageUs", cpu.usageUs)
      .set("periods", cpu.periods)
      .set("throttledPeriods", cpu.throttledPeriods)
      .set("throttledUs", cpu.throttledUs)
      .set("levels", listOf(env, cpu.levels(), level))
      .object();
}

Napi::Value toJs(Napi::Env env, const PressureLine& line) {
  if (!line.known()) return env.Null();
  return Fields(env)
      .set("avg10", line.avg10)
      .set("avg60", line.avg60)
      .set("avg300", line.avg300)
      .set("totalUs", line.totalUs)
      .object();
}

Napi::Value toJs(Napi::Env env, const PressureSection::Entry& entry) {
  if (!entry.now.some.known()) return env.Null();
  return Fields(env)
      .set("scope", entry.ofCgroup ? "cgroup" : "system")
      .set("path", entry.file.path())
      .set("some", toJs(env, entry.now.some))
      .set("full", toJs(env, entry.now.full))
      .object();
}

}  // namespace

Napi::Value toJs(Napi::Env env, const IdSet& ids) {
  return listOf(env, ids.ids(), [&](uint32_t id) { return Napi::Number::New(env, id); });
}

Napi::Value toJs(Napi::Env env, const Limit& limit) {
  Fields fields(env);
  switch (limit.state) {
    case Limit::State::kLimited:
      fields.set("state", "limited").set("value", limit.value).set("levelPath", limit.levelPath);
      break;
    case Limit::State::kUnlimited:
      fields.set("state", "unlimited");
      break;
    case Limit::State::kNotKnown:
      fields.set("state", "unknown").set("reason", nameOf(limit.reason));
      break;
  }
  return fields.object();
}

Napi::Value toJs(Napi::Env env, const Warnings& warnings) {
  return listOf(env, warnings.list(), [&](const Warning& warning) {
    return Fields(env)
        .set("code", warning.code)
        .set("path", warning.path)
        .set("message", warning.message)
        .object();
  });
}

Napi::Value toJs(Napi::Env env, const NumaTopology& topology) {
  const auto hugepages = [&](const Hugepages& pages) {
    return Fields(env)
        .set("pageBytes", pages.pageBytes)
        .set("total", pages.total)
        .set("free", pages.free)
        .set("surplus", pages.surplus)
        .object();
  };
  const auto node = [&](const NumaNode& one) {
    return Fields(env)
        .set("id", static_cast<double>(one.id))
        .set("cpus", toJs(env, one.cpus))
        .set("localCpus", toJs(env, one.localCpus))
        .set("memoryTotalBytes", one.memory.total)
        .set("memoryFreeBytes", one.memory.free)
        .set("memoryAvailableBytes", one.memory.reclaimable())
        .set("activeFileBytes", one.memory.activeFile)
        .set("inactiveFileBytes", one.memory.inactiveFile)
        .set("slabReclaimableBytes", one.memory.slabReclaimable)
        .set("hugepages", listOf(env, one.hugepages, hugepages))
        .set("allowed", one.allowed ? Napi::Boolean::New(env, *one.allowed).As<Napi::Value>() : env.Null())
        .object();
  };
  Napi::Value distances = env.Null();
  if (!topology.distances.empty()) {
    const auto number = [&](uint32_t value) { return Napi::Number::New(env, value); };
    distances = Fields(env)
                    .set("nodeIds", listOf(env, topology.nodes, [&](const NumaNode& one) { return number(one.id); }))
                    .set("matrix", listOf(env, topology.distances,
                                          [&](const std::vector<uint32_t>& row) { return listOf(env, row, number); }))
                    .object();
  }
  return Fields(env)
      .set("source", topology.synthesised ? "synthesised" : "sysfs")
      .set("nodes", listOf(env, topology.nodes, node))
      .set("distances", distances)
      .set("warnings", toJs(env, topology.warnings))
      .object();
}

Napi::Value toJs(Napi::Env env, HeadroomReader& reader, Warnings& warnings) {
  const auto place = [&](const CgroupPlace* one) {
    return Fields(env)
        .set("controller", one->controller)
        .set("version", static_cast<double>(one->version))
        .set("cgroupPath", one->cgroupPath)
        .set("directory", one->leaf())
        .set("mountPoint", one->mountPoint)
        .set("ancestorsVisible", toJs(env, one->ancestorsVisible))
        .object();
  };
  const auto hugetlb = [&](const HugetlbUse& use) {
    return Fields(env)
        .set("pageBytes", use.pageBytes)
        .set("limit", use.limit)
        .set("currentBytes", use.current)
        .object();
  };
  const auto pressure = [&](PressureSection::Resource resource) { return toJs(env, reader.pressure.entry(resource)); };
  Fields fields(env);
  fields.set("layout", nameOf(reader.layout))
      .set("ancestorsVisible", toJs(env, reader.ancestorsVisible()))
      .set("memory", memoryToJs(env, reader, warnings))
      .set("cpu", cpuToJs(env, reader))
      .set("cpuset", Fields(env)
                         .set("cpus", toJs(env, reader.cpuset.cpus))
                         .set("mems", toJs(env, reader.cpuset.mems))
                         .object())
      .set("pids", Fields(env)
                       .set("limit", reader.pids.limit)
                       .set("current", reader.pids.current())
                       .set("headroom", reader.pids.headroom())
                       .object())
      .set("hugetlb", listOf(env, reader.hugetlb(warnings), hugetlb))
      .set("pressure", Fields(env)
                           .set("cpu", pressure(PressureSection::kCpu))
                           .set("memory", pressure(PressureSection::kMemory))
                           .set("io", pressure(PressureSection::kIo))
                           .object())
      .set("places", listOf(env, reader.places(), place));
  // Last: the readings above still add to them.
  fields.set("warnings", toJs(env, warnings));
  return fields.object();
}

}  // namespace numacast
