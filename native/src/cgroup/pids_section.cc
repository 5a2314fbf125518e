#include "cgroup/pids_section.h"

#include <algorithm>
#include <cmath>

namespace numacast {

void PidsSection::open(const RootDir& root, CgroupPlace place) {
  *this = PidsSection();
  place_ = std::move(place);
  for (const std::string& path : place_.levels) {
    levels_.push_back({path, KeptFile(root, path + "/pids.max"), KeptFile(root, path + "/pids.current"), {}, kUnknown});
  }
}

void PidsSection::readSlow(ReadBuffer& buffer, Warnings& warnings) {
  const bool none = std::all_of(levels_.begin(), levels_.end(), [](const Level& level) {
    return level.maxFile.missing() && level.currentFile.missing();
  });
  limit = !none ? Limit::unlimited() : limitOfNoLevel(place_);
  for (Level& level : levels_) {
    const std::string_view text = trim(level.maxFile.read(buffer));
    level.max = Limit::unlimited();
    if (level.maxFile.missing() || text == "max") continue;
    const auto value = parseUnsigned(text);
    if (level.maxFile.unreadable() || !value) {
      level.max = Limit::unknown(Unknown::kUnreadable);
      if (!level.maxFile.gone()) warnings.add("unreadable", level.maxFile.path(), "this is no number of tasks");
    } else {
      level.max = Limit::limited(static_cast<double>(*value), level.path);
    }
    limit.tighten(level.max);
  }
}

void PidsSection::readHot(ReadBuffer& buffer) {
  for (Level& level : levels_) {
    if (&level != &levels_.front() && !level.max.isLimited()) continue;
    const auto value = parseUnsigned(level.currentFile.read(buffer));
    level.current = value ? static_cast<double>(*value) : kUnknown;
  }
}

double PidsSection::current() const { return levels_.empty() ? kUnknown : levels_.front().current; }

double PidsSection::headroom() const {
  if (!limit.isLimited()) return kUnknown;
  double least = std::numeric_limits<double>::infinity();
  for (const Level& level : levels_) {
    if (!level.max.isLimited()) continue;
    if (std::isnan(level.current)) return kUnknown;
    least = std::min(least, std::max(0.0, level.max.value - level.current));
  }
  return least;
}

bool PidsSection::gone() const {
  return std::any_of(levels_.begin(), levels_.end(),
                     [](const Level& level) { return level.maxFile.gone() || level.currentFile.gone(); });
}

void PidsSection::hotFiles(std::vector<std::string>& paths) const {
  for (const Level& level : levels_) {
    if ((&level == &levels_.front() || level.max.isLimited()) && level.currentFile.present()) {
      paths.push_back(level.currentFile.path());
    }
  }
}

}  // namespace numacast
