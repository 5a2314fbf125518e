// The addon's entry point. It is context-aware: every environment that loads it gets an Instance of its own.
#include <napi.h>

#include "binding/instance.h"

/** Of the functions below. Raised with each change, together with `interfaceVersion` of src/topology/addon/addon.ts. */
static constexpr int kInterfaceVersion = 2;

static Napi::Object init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new numacast::Instance());  // the environment deletes it at its end
  exports.Set("interfaceVersion", kInterfaceVersion);
  numacast::addReadings(env, exports);
  numacast::addWatches(env, exports);
  numacast::addPlacement(env, exports);
  numacast::addSockets(env, exports);
  return exports;
}

NODE_API_MODULE(numacast, init)
