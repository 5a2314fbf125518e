#include <napi.h>

#include "binding/instance.h"
#include "socket/udp_sockets.h"

namespace numacast {

namespace {

Napi::Value readUdpSockets(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto sockets = udpSockets();
  if (!sockets) return env.Null();
  Napi::Array rows = Napi::Array::New(env);
  for (const UdpSocket& socket : *sockets) {
    Napi::Object row = Napi::Object::New(env);
    row.Set("inode", Napi::Number::New(env, static_cast<double>(socket.inode)));
    row.Set("address", Napi::String::New(env, socket.address));
    row.Set("port", Napi::Number::New(env, socket.port));
    row.Set("drops", Napi::Number::New(env, socket.drops));
    rows.Set(rows.Length(), row);
  }
  return rows;
}

}  // namespace

void addSockets(Napi::Env env, Napi::Object exports) {
  exports.Set("readUdpSockets", Napi::Function::New<readUdpSockets>(env, "readUdpSockets"));
}

}  // namespace numacast
