#include "socket/udp_sockets.h"

#include <arpa/inet.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>

#include "file/root_dir.h"
#include "file/text.h"

namespace numacast {

namespace {

std::optional<int> option(int fd, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  if (getsockopt(fd, SOL_SOCKET, name, &value, &size) != 0) return std::nullopt;
  return value;
}

std::optional<UdpSocket> udpSocket(int fd) {
  struct stat status;
  if (fstat(fd, &status) != 0 || !S_ISSOCK(status.st_mode)) return std::nullopt;
  if (option(fd, SO_DOMAIN) != AF_INET || option(fd, SO_PROTOCOL) != IPPROTO_UDP) return std::nullopt;
  std::array<uint32_t, SK_MEMINFO_VARS> memory{};
  socklen_t size = sizeof memory;
  if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory.data(), &size) != 0) return std::nullopt;
  if (size < (SK_MEMINFO_DROPS + 1) * sizeof memory[0]) return std::nullopt;
  sockaddr_in local{};
  size = sizeof local;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size) != 0) return std::nullopt;
  char text[INET_ADDRSTRLEN];
  if (inet_ntop(AF_INET, &local.sin_addr, text, sizeof text) == nullptr) return std::nullopt;
  // Another thread may have closed it between two questions, and the number may be another socket's by now.
  struct stat after;
  if (fstat(fd, &after) != 0 || after.st_ino != status.st_ino) return std::nullopt;
  return UdpSocket{status.st_ino, text, ntohs(local.sin_port), memory[SK_MEMINFO_DROPS]};
}

}  // namespace

std::optional<std::vector<UdpSocket>> udpSockets() {
  static const RootDir root("/");
  std::vector<std::string> names;
  if (!root.list("/proc/self/fd", names)) return std::nullopt;
  std::vector<UdpSocket> found;
  for (const std::string& name : names) {
    const auto fd = parseUnsigned(name);
    if (!fd) continue;
    // A descriptor of another kind, or a closed one, answers none of the questions.
    if (auto socket = udpSocket(static_cast<int>(*fd))) found.push_back(std::move(*socket));
  }
  return found;
}

}  // namespace numacast
