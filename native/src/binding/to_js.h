#pragma once

#include <napi.h>

#include <cmath>

#include "cgroup/headroom_reader.h"
#include "numa/numa_topology.h"

namespace numacast {

inline Napi::Value toJs(Napi::Env env, double number) {
  return std::isnan(number) ? env.Null() : Napi::Number::New(env, number).As<Napi::Value>();
}
Napi::Value toJs(Napi::Env env, const IdSet& ids);
Napi::Value toJs(Napi::Env env, const Limit& limit);
Napi::Value toJs(Napi::Env env, const Warnings& warnings);
Napi::Value toJs(Napi::Env env, const NumaTopology& topology);
/** Reads what the sections do not hold, hugetlb and use per node, on the way. */
Napi::Value toJs(Napi::Env env, HeadroomReader& reader, Warnings& warnings);

}  // namespace numacast
