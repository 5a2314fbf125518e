#pragma once

#include <string>

#include "cgroup/cgroup_place.h"
#include "file/text.h"

namespace numacast {

/** A limit, no limit, and not known are three answers. */
struct Limit {
  enum class State { kLimited, kUnlimited, kNotKnown };

  State state = State::kUnlimited;
  double value = 0;
  /** Directory of the cgroup that sets it. */
  std::string levelPath;
  Unknown reason = Unknown::kUnreadable;

  static Limit limited(double value, std::string levelPath) {
    return {State::kLimited, value, std::move(levelPath), Unknown::kUnreadable};
  }
  static Limit unlimited() { return {}; }
  static Limit unknown(Unknown reason) { return {State::kNotKnown, 0, {}, reason}; }

  bool isLimited() const { return state == State::kLimited; }
  bool isUnknown() const { return state == State::kNotKnown; }
  double number() const {
    if (isLimited()) return value;
    return isUnknown() ? kUnknown : std::numeric_limits<double>::infinity();
  }

  /** The tighter of two levels. A level that cannot be read leaves the whole unknown: it may be the tightest. */
  void tighten(const Limit& other) {
    if (isUnknown() || other.state == State::kUnlimited) return;
    if (other.isUnknown() || !isLimited() || other.value < value) *this = other;
  }
};

/**
 * The answer where no level has the controller's limit file: the controller is enabled for no cgroup here, or the
 * hierarchy's root shows that it is not part of it, or the files are missing.
 */
inline Limit limitOfNoLevel(const CgroupPlace& place) {
  if (!place.found()) return Limit::unknown(*place.problem);
  // The root of a v1 hierarchy cannot be limited, and some controllers give it no files.
  const bool root = place.levels.size() == 1 && place.ancestorsVisible == Visible::kYes;
  if (place.version == 1 && root) return Limit::unlimited();
  if (place.version == 1) return Limit::unknown(Unknown::kUnreadable);
  if (place.offered == false && place.ancestorsVisible == Visible::kYes) return Limit::unknown(Unknown::kNotMounted);
  return place.offered == true || place.hasFiles ? Limit::unlimited() : Limit::unknown(Unknown::kUnreadable);
}

}  // namespace numacast
