#include <napi.h>

#include "binding/instance.h"
#include "binding/to_js.h"
#include "numa/placement.h"

namespace numacast {

namespace {

IdSet idsOf(Napi::Value value) {
  const Napi::Array array = value.As<Napi::Array>();
  std::vector<uint32_t> ids;
  for (uint32_t index = 0; index < array.Length(); ++index) {
    const uint32_t id = array.Get(index).As<Napi::Number>().Uint32Value();
    if (id < IdSet::kMost) ids.push_back(id);
  }
  return IdSet(std::move(ids));
}

Napi::Value reasonOrNull(Napi::Env env, const std::string& reason) {
  return reason.empty() ? env.Null() : Napi::String::New(env, reason).As<Napi::Value>();
}

Napi::Value currentCpu(const Napi::CallbackInfo& info) {
  const auto place = currentPlace();
  return place ? Napi::Number::New(info.Env(), place->cpu).As<Napi::Value>() : info.Env().Null();
}

Napi::Value currentNode(const Napi::CallbackInfo& info) {
  const auto place = currentPlace();
  return place ? Napi::Number::New(info.Env(), place->node).As<Napi::Value>() : info.Env().Null();
}

Napi::Value getAffinity(const Napi::CallbackInfo& info) {
  const auto cpus = threadAffinity();
  return cpus ? toJs(info.Env(), *cpus) : info.Env().Null();
}

Napi::Value setAffinity(const Napi::CallbackInfo& info) {
  return reasonOrNull(info.Env(), restrictProcess(idsOf(info[0])));
}

Napi::Value setMempolicy(const Napi::CallbackInfo& info) {
  return reasonOrNull(info.Env(), setMemoryPolicy(info[0].As<Napi::Number>().Int32Value(), idsOf(info[1])));
}

}  // namespace

void addPlacement(Napi::Env env, Napi::Object exports) {
  exports.Set("currentCpu", Napi::Function::New<currentCpu>(env, "currentCpu"));
  exports.Set("currentNode", Napi::Function::New<currentNode>(env, "currentNode"));
  exports.Set("getAffinity", Napi::Function::New<getAffinity>(env, "getAffinity"));
  exports.Set("setAffinity", Napi::Function::New<setAffinity>(env, "setAffinity"));
  exports.Set("setMempolicy", Napi::Function::New<setMempolicy>(env, "setMempolicy"));
}

}  // namespace numacast
