#include <napi.h>
#include <unistd.h>

#include <memory>

#include "binding/instance.h"
#include "binding/to_js.h"
#include "cgroup/freezer.h"
#include "cgroup/sample.h"
#include "process/process_stat.h"
#include "process/remains.h"
#include "process/time_namespace.h"

namespace numacast {

namespace {

Napi::Value readTopology(const Napi::CallbackInfo& info) {
  return toJs(info.Env(), NumaTopology::read(info[0].As<Napi::String>().Utf8Value()));
}

Napi::Value readHeadroom(const Napi::CallbackInfo& info) {
  Warnings warnings;
  HeadroomReader reader(info[0].As<Napi::String>().Utf8Value(), info[1].As<Napi::Number>().Int32Value(),
                        HeadroomReader::Detail::kEveryLevel);
  reader.discover(warnings);
  reader.readSlow(warnings);
  reader.readHot();
  return toJs(info.Env(), reader, warnings);
}

/** The JavaScript face of a Sampler: writes into one Float64Array that it was given once. */
class SamplerWrap : public Napi::ObjectWrap<SamplerWrap> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Sampler",
                       {InstanceMethod<&SamplerWrap::sample>("sample"), InstanceMethod<&SamplerWrap::files>("files"),
                        InstanceMethod<&SamplerWrap::close>("close")});
  }

  explicit SamplerWrap(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<SamplerWrap>(info),
        sampler_(std::make_unique<Sampler>(info[0].As<Napi::String>().Utf8Value(),
                                           info[1].As<Napi::Number>().Int32Value(),
                                           info[2].As<Napi::Number>().DoubleValue() * 1000)),
        values_(Napi::Persistent(info[3].As<Napi::Object>())) {}

 private:
  Napi::Value sample(const Napi::CallbackInfo& info) {
    // The array may have been transferred to another thread, which leaves it empty: look every time.
    const napi_env env = info.Env();
    void* data = nullptr;
    size_t length = 0;
    napi_typedarray_type type = napi_uint8_array;
    napi_get_typedarray_info(env, values_.Value(), &type, &length, &data, nullptr, nullptr);
    const bool usable = sampler_ != nullptr && type == napi_float64_array && length == kSampleFields && data != nullptr;
    if (usable) sampler_->sample(std::span<double, kSampleFields>(static_cast<double*>(data), kSampleFields));
    return Napi::Boolean::New(env, usable);
  }

  Napi::Value files(const Napi::CallbackInfo& info) {
    const std::vector<std::string> paths = sampler_ == nullptr ? std::vector<std::string>() : sampler_->hotFiles();
    Napi::Array array = Napi::Array::New(info.Env(), paths.size());
    for (size_t index = 0; index < paths.size(); ++index) array.Set(static_cast<uint32_t>(index), paths[index]);
    return array;
  }

  void close(const Napi::CallbackInfo&) { sampler_.reset(); }

  std::unique_ptr<Sampler> sampler_;
  Napi::ObjectReference values_;
};

Napi::Value openSampler(const Napi::CallbackInfo& info) {
  return Instance::of(info.Env()).sampler.New({info[0], info[1], info[2], info[3]});
}

/** (root, pid): { frozen, directory }, both null where nothing tells. */
Napi::Value readFreezerOf(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const RootDir root(info[0].As<Napi::String>().Utf8Value());
  const FreezerReading reading = readFreezer(root, info[1].As<Napi::Number>().Int32Value());
  Napi::Object result = Napi::Object::New(env);
  result.Set("frozen", reading.frozen ? Napi::Boolean::New(env, *reading.frozen).As<Napi::Value>() : env.Null());
  const bool known = !reading.directory.empty();
  result.Set("directory", known ? Napi::String::New(env, reading.directory).As<Napi::Value>() : env.Null());
  return result;
}

Napi::Value readProcessState(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int pid = info[0].As<Napi::Number>().Int32Value();
  const auto stat = ProcessStat::read(pid);
  if (!stat) return env.Null();
  const auto remains = stat->exiting() ? Remains::find(pid, stat->startTime) : std::nullopt;
  static const double ticksPerMs = static_cast<double>(sysconf(_SC_CLK_TCK)) / 1000;
  static const double pageBytes = static_cast<double>(sysconf(_SC_PAGESIZE));
  Napi::Object state = Napi::Object::New(env);
  state.Set("state", std::string(1, stat->state));
  state.Set("cpuTimeMs", static_cast<double>(stat->userTicks + stat->systemTicks) / ticksPerMs);
  state.Set("threads", static_cast<double>(stat->threads));
  state.Set("residentBytes", static_cast<double>(stat->residentPages) * pageBytes);
  state.Set("lastCpu", static_cast<double>(stat->lastCpu));
  const auto startTime = hostStartTime(stat->startTime);
  state.Set("startTime", startTime ? Napi::Number::New(env, *startTime).As<Napi::Value>() : env.Null());
  state.Set("ended", remains.has_value());
  const auto status = remains ? remains->waitStatus : std::nullopt;
  state.Set("waitStatus", status ? Napi::Number::New(env, *status).As<Napi::Value>() : env.Null());
  return state;
}

}  // namespace

void addReadings(Napi::Env env, Napi::Object exports) {
  Instance::of(env).sampler = Napi::Persistent(SamplerWrap::define(env));
  exports.Set("readTopology", Napi::Function::New<readTopology>(env, "readTopology"));
  exports.Set("readHeadroom", Napi::Function::New<readHeadroom>(env, "readHeadroom"));
  exports.Set("openSampler", Napi::Function::New<openSampler>(env, "openSampler"));
  exports.Set("readFreezer", Napi::Function::New<readFreezerOf>(env, "readFreezer"));
  exports.Set("readProcessState", Napi::Function::New<readProcessState>(env, "readProcessState"));
  Napi::Array names = Napi::Array::New(env, kSampleFields);
  for (uint32_t index = 0; index < kSampleFields; ++index) names.Set(index, kSampleFieldNames[index]);
  exports.Set("sampleFields", names);
}

}  // namespace numacast
