#include "file/id_set.h"

#include <algorithm>
#include <iterator>

#include "file/text.h"

namespace numacast {

namespace {

/** One list element: "a", "a-b" or "a-b:used/group". */
bool addRange(std::string_view part, std::vector<bool>& present) {
  uint64_t used = 1;
  uint64_t group = 1;
  if (const size_t colon = part.find(':'); colon != std::string_view::npos) {
    const std::string_view pattern = part.substr(colon + 1);
    const size_t slash = pattern.find('/');
    if (slash == std::string_view::npos) return false;
    const auto usedCount = parseUnsigned(pattern.substr(0, slash));
    const auto groupCount = parseUnsigned(pattern.substr(slash + 1));
    if (!usedCount || !groupCount || *usedCount == 0 || *usedCount > *groupCount) return false;
    used = *usedCount;
    group = *groupCount;
    part = part.substr(0, colon);
  }
  const size_t dash = part.find('-');
  const auto first = parseUnsigned(part.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parseUnsigned(part.substr(dash + 1));
  if (!first || !last || *first > *last || *last >= IdSet::kMost) return false;
  if (present.size() <= *last) present.resize(*last + 1);
  for (uint64_t id = *first; id <= *last; ++id) {
    if ((id - *first) % group < used) present[id] = true;
  }
  return true;
}

std::vector<uint32_t> collect(const std::vector<bool>& present) {
  std::vector<uint32_t> ids;
  for (size_t id = 0; id < present.size(); ++id) {
    if (present[id]) ids.push_back(static_cast<uint32_t>(id));
  }
  return ids;
}

int hexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

IdSet::IdSet(std::vector<uint32_t> ids) : ids_(std::move(ids)) {
  std::sort(ids_.begin(), ids_.end());
  ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
}

std::optional<IdSet> IdSet::parseList(std::string_view text) {
  text = trim(text);
  if (text.empty()) return IdSet();
  std::vector<bool> present;
  size_t budget = kMost;  // parts, so that "0,0,0,…" stays cheap
  for (;;) {
    const size_t comma = text.find(',');
    if (budget-- == 0 || !addRange(trim(text.substr(0, comma)), present)) return std::nullopt;
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  IdSet set;
  set.ids_ = collect(present);
  return set;
}

std::optional<IdSet> IdSet::parseMask(std::string_view text) {
  text = trim(text);
  if (text.empty()) return std::nullopt;
  const std::vector<std::string_view> words = split(text, ',');
  if (words.size() > kMost / 32) return std::nullopt;
  std::vector<bool> present(words.size() * 32);
  for (size_t index = 0; index < words.size(); ++index) {
    const std::string_view word = trim(words[index]);
    if (word.empty() || word.size() > 8) return std::nullopt;
    uint32_t bits = 0;
    for (const char c : word) {
      const int digit = hexDigit(c);
      if (digit < 0) return std::nullopt;
      bits = bits << 4 | static_cast<uint32_t>(digit);
    }
    const size_t base = (words.size() - 1 - index) * 32;
    for (size_t bit = 0; bit < 32; ++bit) present[base + bit] = (bits >> bit & 1) != 0;
  }
  IdSet set;
  set.ids_ = collect(present);
  return set;
}

bool IdSet::contains(uint32_t id) const { return std::binary_search(ids_.begin(), ids_.end(), id); }

IdSet IdSet::intersect(const IdSet& other) const {
  IdSet both;
  std::set_intersection(ids_.begin(), ids_.end(), other.ids_.begin(), other.ids_.end(), std::back_inserter(both.ids_));
  return both;
}

IdSet IdSet::unite(const IdSet& other) const {
  IdSet either;
  std::set_union(ids_.begin(), ids_.end(), other.ids_.begin(), other.ids_.end(), std::back_inserter(either.ids_));
  return either;
}

IdSet IdSet::minus(const IdSet& other) const {
  IdSet rest;
  std::set_difference(ids_.begin(), ids_.end(), other.ids_.begin(), other.ids_.end(), std::back_inserter(rest.ids_));
  return rest;
}

}  // namespace numacast
