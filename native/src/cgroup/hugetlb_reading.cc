#include "cgroup/hugetlb_reading.h"

#include <algorithm>

namespace numacast {

namespace {

/** "2MB", "1GB", "64KB": the size in the name of a file. */
std::optional<double> parsePageSize(std::string_view text) {
  double unit = 0;
  if (text.ends_with("KB")) unit = 1024;
  if (text.ends_with("MB")) unit = 1024.0 * 1024;
  if (text.ends_with("GB")) unit = 1024.0 * 1024 * 1024;
  if (unit == 0) return std::nullopt;
  const auto number = parseUnsigned(text.substr(0, text.size() - 2));
  if (!number || *number == 0 || *number > 65536) return std::nullopt;
  return static_cast<double>(*number) * unit;
}

Limit readLevel(const RootDir& root, const std::string& path, const std::string& level, Warnings& warnings) {
  const FileText file = root.read(path);
  if (file.missing()) return Limit::unlimited();
  if (trim(file.text) == "max") return Limit::unlimited();
  const auto value = parseUnsigned(file.text);
  if (!file.ok() || !value) {
    warnings.add(file.ok() ? "malformed" : "unreadable", path, file.ok() ? "this is no size" : errnoText(file.error));
    return Limit::unknown(Unknown::kUnreadable);
  }
  // v1 writes "no limit" as LONG_MAX rounded down to the page size.
  if (*value >= uint64_t{1} << 62) return Limit::unlimited();
  return Limit::limited(static_cast<double>(*value), level);
}

}  // namespace

std::vector<HugetlbUse> readHugetlb(const RootDir& root, const CgroupPlace& place, Warnings& warnings) {
  std::vector<HugetlbUse> uses;
  if (!place.found()) return uses;
  const std::string_view prefix = "hugetlb.";
  const std::string_view suffix = place.version == 1 ? ".limit_in_bytes" : ".max";
  const std::string_view currentSuffix = place.version == 1 ? ".usage_in_bytes" : ".current";
  std::vector<std::string> sizes;
  for (const std::string& level : place.levels) {
    std::vector<std::string> names;
    root.list(level, names);
    for (const std::string& name : names) {
      if (!name.starts_with(prefix) || !name.ends_with(suffix) || name.size() <= prefix.size() + suffix.size()) continue;
      std::string size = name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
      if (!parsePageSize(size) || std::find(sizes.begin(), sizes.end(), size) != sizes.end()) continue;
      if (sizes.size() < 32) sizes.push_back(std::move(size));
    }
  }
  for (const std::string& size : sizes) {
    const std::string name = "/" + std::string(prefix) + size;
    HugetlbUse use{*parsePageSize(size), Limit::unlimited(), kUnknown};
    for (const std::string& level : place.levels) {
      use.limit.tighten(readLevel(root, level + name + std::string(suffix), level, warnings));
    }
    for (const std::string& level : place.levels) {
      const auto current = parseUnsigned(root.read(level + name + std::string(currentSuffix)).text);
      if (!current) continue;
      use.current = static_cast<double>(*current);
      break;
    }
    uses.push_back(std::move(use));
  }
  std::sort(uses.begin(), uses.end(), [](const auto& a, const auto& b) { return a.pageBytes < b.pageBytes; });
  return uses;
}

}  // namespace numacast
