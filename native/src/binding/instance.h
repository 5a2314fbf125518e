#pragma once

#include <napi.h>

namespace numacast {

/** What the addon keeps per JavaScript environment (main thread, each worker thread): nothing is global. */
struct Instance {
  Napi::FunctionReference pollWatch;
  Napi::FunctionReference sampler;

  static Instance& of(Napi::Env env) { return *env.GetInstanceData<Instance>(); }
};

/** The exported functions, by theme; each adds its own to `exports`. */
void addReadings(Napi::Env env, Napi::Object exports);
void addWatches(Napi::Env env, Napi::Object exports);
void addPlacement(Napi::Env env, Napi::Object exports);
void addSockets(Napi::Env env, Napi::Object exports);

}  // namespace numacast
