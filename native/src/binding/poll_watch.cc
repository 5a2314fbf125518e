#include "binding/poll_watch.h"

#include "binding/instance.h"

namespace numacast {

struct PollWatch::Poll {
  uv_poll_t handle = {};
  UniqueFd fd;
  Napi::FunctionReference callback;
  std::unique_ptr<Napi::AsyncContext> context;
  Ready ready;
  PollWatch* owner = nullptr;
  napi_env env = nullptr;
  napi_async_cleanup_hook_handle hook = nullptr;
  bool closing = false;

  /** Stops at once; libuv frees it on the loop's next turn, which the environment's end waits for. */
  void close() {
    if (closing) return;
    closing = true;
    if (owner != nullptr) {
      owner->poll_ = nullptr;
      owner->Unref();
      owner = nullptr;
    }
    callback.Reset();
    context.reset();
    uv_close(reinterpret_cast<uv_handle_t*>(&handle), [](uv_handle_t* closed) {
      const std::unique_ptr<Poll> poll(static_cast<Poll*>(closed->data));
      napi_remove_async_cleanup_hook(poll->hook);
    });
    fd.reset();
    // With what else it holds, like further descriptors; while it runs, its caller has a copy.
    ready = nullptr;
  }

  void onReady() {
    const Napi::Env jsEnv(env);
    const Napi::HandleScope scope(jsEnv);
    // A callback may close the watch; what it needs must outlive that.
    const Ready work = ready;
    work(jsEnv, fd.get(), [this, jsEnv](const std::vector<napi_value>& args) {
      if (closing) return;
      callback.MakeCallback(jsEnv.Global(), args, *context);
      if (!jsEnv.IsExceptionPending()) return;
      // As for any callback of the event loop: an exception is uncaught.
      napi_fatal_exception(env, Napi::Env(env).GetAndClearPendingException().Value());
    });
  }
};

PollWatch::~PollWatch() {
  if (poll_ != nullptr) poll_->owner = nullptr;
}

Napi::Function PollWatch::define(Napi::Env env) {
  return DefineClass(env, "PollWatch",
                     {InstanceMethod<&PollWatch::close>("close"), InstanceMethod<&PollWatch::ref>("ref"),
                      InstanceMethod<&PollWatch::unref>("unref")});
}

Napi::Value PollWatch::open(Napi::Env env, UniqueFd fd, int uvEvents, Napi::Function callback, Ready ready) {
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return Napi::String::New(env, "this thread has no event loop");
  const Napi::Object object = Instance::of(env).pollWatch.New({});
  PollWatch* const watch = object.IsEmpty() ? nullptr : Unwrap(object);
  if (watch == nullptr) return env.Undefined();  // this thread is being terminated: nothing can be made any more
  auto poll = std::make_unique<Poll>();
  poll->env = env;
  poll->handle.data = poll.get();
  if (const int error = uv_poll_init(loop, &poll->handle, fd.get()); error != 0) {
    return Napi::String::New(env, std::string("the descriptor cannot be polled: ") + uv_strerror(error));
  }
  poll->fd = std::move(fd);
  poll->callback = Napi::Persistent(callback);
  poll->context = std::make_unique<Napi::AsyncContext>(env, "numacast.watch");
  poll->ready = std::move(ready);
  napi_add_async_cleanup_hook(
      env, [](napi_async_cleanup_hook_handle, void* data) { static_cast<Poll*>(data)->close(); }, poll.get(), &poll->hook);
  uv_poll_start(&poll->handle, uvEvents, [](uv_poll_t* handle, int, int) { static_cast<Poll*>(handle->data)->onReady(); });
  uv_unref(reinterpret_cast<uv_handle_t*>(&poll->handle));
  watch->poll_ = poll.get();
  poll->owner = watch;
  watch->Ref();
  poll.release();  // its close callback frees it
  return object;
}

void PollWatch::close(const Napi::CallbackInfo&) {
  if (poll_ != nullptr) poll_->close();
}

void PollWatch::ref(const Napi::CallbackInfo&) {
  if (poll_ != nullptr) uv_ref(reinterpret_cast<uv_handle_t*>(&poll_->handle));
}

void PollWatch::unref(const Napi::CallbackInfo&) {
  if (poll_ != nullptr) uv_unref(reinterpret_cast<uv_handle_t*>(&poll_->handle));
}

}  // namespace numacast
