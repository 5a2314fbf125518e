#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace numacast {

/** An IPv4 UDP socket of this process. */
struct UdpSocket {
  uint64_t inode;
  std::string address;
  uint16_t port;
  /** Datagrams that the kernel threw away on the way into it since it was opened; wraps at 2^32. */
  uint32_t drops;
};

/**
 * This process's sockets, as far as they can be asked (SO_MEMINFO, Linux 4.12). Costs what this process has open;
 * /proc/net/udp, which shows the same, costs what the whole host has open.
 * Nothing when it cannot look, as when no descriptor is left to look with.
 */
std::optional<std::vector<UdpSocket>> udpSockets();

}  // namespace numacast
