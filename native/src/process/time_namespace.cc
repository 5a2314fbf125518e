#include "process/time_namespace.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>

#include "file/root_dir.h"
#include "file/text.h"

namespace numacast {

namespace {

constexpr ino_t kInitialTimeNamespace = 0xEFFFFFFA;  // PROC_TIME_INIT_INO of linux/proc_ns.h
constexpr int64_t kNsPerSecond = 1'000'000'000;

std::optional<int64_t> parseBoottimeOffset(std::string_view text) {
  for (std::string_view line; nextLine(text, line);) {
    std::string_view name, seconds, nanoseconds;
    if (!nextWord(line, name) || !nextWord(line, seconds) || !nextWord(line, nanoseconds)) continue;
    // A kernel may print the clock's number (7) for its name.
    if (name != "boottime" && name != "7") continue;
    const auto whole = parseSigned(seconds);
    const auto rest = parseSigned(nanoseconds);
    constexpr int64_t kMostSeconds = INT64_MAX / kNsPerSecond - 1;
    if (!whole || !rest || *whole > kMostSeconds || *whole < -kMostSeconds) return std::nullopt;
    if (*rest < 0 || *rest >= kNsPerSecond) return std::nullopt;
    return *whole * kNsPerSecond + *rest;
  }
  return std::nullopt;
}

}  // namespace

std::optional<int64_t> boottimeOffsetNs() {
  struct stat own = {};
  struct stat children = {};
  if (stat("/proc/self/ns/time", &own) != 0) {
    // Kernels before 5.6, or built without time namespaces; unless /proc itself is missing.
    return errno == ENOENT && stat("/proc/self/ns", &own) == 0 ? std::optional<int64_t>(0) : std::nullopt;
  }
  if (own.st_ino == kInitialTimeNamespace) return 0;
  // The file below tells the offsets of the namespace that children are put in.
  if (stat("/proc/self/ns/time_for_children", &children) != 0 || children.st_ino != own.st_ino) return std::nullopt;
  static const RootDir& root = *new RootDir("/");
  const FileText offsets = root.read("/proc/self/timens_offsets");
  return offsets.ok() ? parseBoottimeOffset(offsets.text) : std::nullopt;
}

std::optional<double> hostStartTime(uint64_t startTime) {
  const auto offset = boottimeOffsetNs();
  if (!offset) return std::nullopt;
  if (*offset == 0) return static_cast<double>(startTime);
  static const double nsPerTick = static_cast<double>(kNsPerSecond) / static_cast<double>(sysconf(_SC_CLK_TCK));
  const double ticks = static_cast<double>(startTime) - std::ceil(static_cast<double>(*offset) / nsPerTick);
  return std::max(0.0, ticks);
}

bool isSameStart(double one, double other) { return std::abs(one - other) <= 1; }

}  // namespace numacast
