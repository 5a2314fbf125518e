#include <fcntl.h>
#include <napi.h>
#include <poll.h>
#include <sys/inotify.h>

#include <cstring>
#include <memory>

#include "binding/instance.h"
#include "binding/poll_watch.h"
#include "cgroup/pressure_section.h"
#include "file/root_dir.h"
#include "process/process_exit.h"

namespace numacast {

namespace {

/** (pid, startTime, isAlive, onExit): a watch, a sentence, null when it is gone, false when another has its pid. */
Napi::Value watchProcess(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto exit = std::make_shared<ProcessExit>();
  std::string reason;
  const ProcessExit::Target target{info[0].As<Napi::Number>().Int32Value(), info[1].As<Napi::Number>().DoubleValue(),
                                   info[2].As<Napi::Boolean>().Value()};
  switch (exit->open(target, reason)) {
    case ProcessExit::Opened::kGone: return env.Null();
    case ProcessExit::Opened::kOther: return Napi::Boolean::New(env, false);
    case ProcessExit::Opened::kUnavailable: return Napi::String::New(env, reason);
    case ProcessExit::Opened::kWatching: break;
  }
  return PollWatch::open(env, exit->takeFd(), UV_READABLE, info[3].As<Napi::Function>(),
                         [exit](Napi::Env jsEnv, int fd, const PollWatch::Emit& emit) {
                           const auto ended = exit->look(fd);
                           if (!ended) return;
                           const auto status = ended->waitStatus;
                           emit({status ? Napi::Number::New(jsEnv, *status).As<Napi::Value>() : jsEnv.Null()});
                         });
}

/** `total` of a pressure file's line; below 0 when it cannot be read any more. */
double readTotal(int fd, bool full) {
  char text[512];
  const ssize_t length = pread(fd, text, sizeof text, 0);
  if (length <= 0) return -1;
  const Pressure pressure = Pressure::parse({text, static_cast<size_t>(length)});
  const PressureLine& line = full ? pressure.full : pressure.some;
  return line.known() ? line.totalUs : -1;
}

/** (path, kind, stallUs, windowUs, onEvent(totalUs, stalledUs)): a watch, or a sentence. */
Napi::Value watchPressure(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string path = info[0].As<Napi::String>().Utf8Value();
  const std::string kind = info[1].As<Napi::String>().Utf8Value();
  const double stallUs = info[2].As<Napi::Number>().DoubleValue();
  const std::string trigger = kind + " " + std::to_string(static_cast<int64_t>(stallUs)) + " " +
                              std::to_string(info[3].As<Napi::Number>().Int64Value());
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) return Napi::String::New(env, path + ": " + errnoText(errno));
  const bool full = kind == "full";
  const double before = readTotal(fd.get(), full);
  // The trigger's text ends with a NUL.
  if (write(fd.get(), trigger.c_str(), trigger.size() + 1) < 0) {
    const char* advice = errno == EINVAL  ? " (without CAP_SYS_RESOURCE the window must be a multiple of 2 s)"
                         : errno == EPERM ? " (this kernel gives triggers to CAP_SYS_RESOURCE only)"
                                          : "";
    return Napi::String::New(env, path + ": the trigger \"" + trigger + "\" was refused: " + errnoText(errno) + advice);
  }
  const auto last = std::make_shared<double>(before);
  const auto first = std::make_shared<bool>(true);
  return PollWatch::open(
      env, std::move(fd), UV_PRIORITIZED, info[4].As<Napi::Function>(),
      [=](Napi::Env jsEnv, int readyFd, const PollWatch::Emit& emit) {
        const double total = readTotal(readyFd, full);
        const double stalled = total - *last;
        // The first wake-up must have seen a whole stall since arming; later windows may overlap the one before.
        const bool genuine = total >= 0 && stalled > 0 && (!*first || stalled + 1 >= stallUs);
        pollfd state{readyFd, POLLPRI, 0};
        if (genuine) {
          *last = total;
          *first = false;
          emit({Napi::Number::New(jsEnv, total), Napi::Number::New(jsEnv, stalled)});
        } else if (total < 0 || (poll(&state, 1, 0) > 0 && (state.revents & (POLLERR | POLLNVAL)) != 0)) {
          emit({jsEnv.Null()});
        }
      });
}

/** Takes every waiting event off an inotify descriptor; whether any was about `watch`. */
bool drainInotify(int fd, int watch) {
  alignas(inotify_event) char events[4096];
  bool any = false;
  for (ssize_t length; (length = read(fd, events, sizeof events)) > 0;) {
    for (ssize_t at = 0; at < length;) {
      inotify_event event;
      std::memcpy(&event, events + at, sizeof event);
      any = any || event.wd == watch || (event.mask & IN_Q_OVERFLOW) != 0;
      at += static_cast<ssize_t>(sizeof event + event.len);
    }
  }
  return any;
}

/** (path, onChange): a watch, or a sentence. The file's text with each change, null when it is gone. */
Napi::Value watchFile(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string path = info[0].As<Napi::String>().Utf8Value();
  UniqueFd fd(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd.valid()) return Napi::String::New(env, "inotify_init1: " + errnoText(errno));
  const int watch = inotify_add_watch(fd.get(), path.c_str(), IN_MODIFY | IN_DELETE_SELF);
  if (watch < 0) return Napi::String::New(env, path + ": " + errnoText(errno));
  // Removing a cgroup raises no event on its files, only on the directory that it was in.
  const size_t group = path.rfind('/');
  const size_t parent = group == std::string::npos || group == 0 ? group : path.rfind('/', group - 1);
  if (parent != std::string::npos && parent != 0) {
    inotify_add_watch(fd.get(), path.substr(0, parent).c_str(), IN_DELETE | IN_ONLYDIR);
  }
  return PollWatch::open(env, std::move(fd), UV_READABLE, info[1].As<Napi::Function>(),
                         [path, watch](Napi::Env jsEnv, int readyFd, const PollWatch::Emit& emit) {
                           const bool changed = drainInotify(readyFd, watch);
                           const FileText file = RootDir("/").read(path);
                           if (!file.ok()) {
                             emit({jsEnv.Null()});
                           } else if (changed) {
                             emit({Napi::String::New(jsEnv, file.text)});
                           }
                         });
}

}  // namespace

void addWatches(Napi::Env env, Napi::Object exports) {
  Instance::of(env).pollWatch = Napi::Persistent(PollWatch::define(env));
  exports.Set("watchProcess", Napi::Function::New<watchProcess>(env, "watchProcess"));
  exports.Set("watchPressure", Napi::Function::New<watchPressure>(env, "watchPressure"));
  exports.Set("watchFile", Napi::Function::New<watchFile>(env, "watchFile"));
}

}  // namespace numacast
