#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace numacast {

/** CPU or node ids: ascending, unique, bounded. The kernel's own ceilings are 8,192 CPUs and 1,024 nodes. */
class IdSet {
 public:
  static constexpr uint64_t kMost = 65536;

  IdSet() = default;
  explicit IdSet(std::vector<uint32_t> ids);

  /** "0-3,8,10-15:2/4", as `cpulist` and `online` print it; an empty text is the empty set, junk is nothing. */
  static std::optional<IdSet> parseList(std::string_view text);
  /** "00000000,0000000f": hexadecimal words of 32 bits, the highest first, as `cpumap` prints it. */
  static std::optional<IdSet> parseMask(std::string_view text);

  const std::vector<uint32_t>& ids() const { return ids_; }
  bool empty() const { return ids_.empty(); }
  size_t size() const { return ids_.size(); }
  bool contains(uint32_t id) const;
  IdSet intersect(const IdSet& other) const;
  IdSet unite(const IdSet& other) const;
  IdSet minus(const IdSet& other) const;

 private:
  std::vector<uint32_t> ids_;
};

}  // namespace numacast
