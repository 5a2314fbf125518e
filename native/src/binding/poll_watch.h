#pragma once

#include <napi.h>
#include <uv.h>

#include <functional>
#include <memory>
#include <vector>

#include "file/unique_fd.h"

namespace numacast {

/**
 * One descriptor polled on the event loop of the JavaScript thread that made it. The JavaScript object stays alive for
 * as long as it watches; close(), the end of what is watched, and the end of a worker thread each release everything.
 *
 *     JavaScript object (PollWatch) ──owns──▶ Poll: uv_poll_t, descriptor, callback; freed when libuv has closed it
 */
class PollWatch : public Napi::ObjectWrap<PollWatch> {
 public:
  using Emit = std::function<void(const std::vector<napi_value>& args)>;
  /** Reads the descriptor's events, and calls the callback by `emit`, once per event. */
  using Ready = std::function<void(Napi::Env, int fd, const Emit& emit)>;

  static Napi::Function define(Napi::Env env);
  /** Returns a new watch, or the reason why there is none. */
  static Napi::Value open(Napi::Env env, UniqueFd fd, int uvEvents, Napi::Function callback, Ready ready);

  explicit PollWatch(const Napi::CallbackInfo& info) : Napi::ObjectWrap<PollWatch>(info) {}
  ~PollWatch() override;

 private:
  struct Poll;

  void close(const Napi::CallbackInfo& info);
  void ref(const Napi::CallbackInfo& info);
  void unref(const Napi::CallbackInfo& info);

  Poll* poll_ = nullptr;
};

}  // namespace numacast
