// The addon's entry point. It is context-aware: every environment that loads it gets an Instance of its own.
#include <napi.h>

#include "binding/instance.h"

static Napi::Object init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new numacast::Instance());  // the environment deletes it at its end
  numacast::addReadings(env, exports);
  numacast::addWatches(env, exports);
  numacast::addPlacement(env, exports);
  numacast::addSockets(env, exports);
  return exports;
}

NODE_API_MODULE(numacast, init)
