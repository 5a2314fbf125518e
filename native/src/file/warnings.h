#pragma once

#include <string>
#include <utility>
#include <vector>

namespace numacast {

struct Warning {
  std::string code;
  std::string path;
  std::string message;
};

/** Collects what could not be taken at face value. Bounded: a hostile tree must not make it grow. */
class Warnings {
 public:
  void add(std::string code, std::string path, std::string message) {
    for (const Warning& known : list_) {
      if (known.code == code && known.path == path) return;
    }
    if (list_.size() < kMost) {
      list_.push_back({std::move(code), std::move(path), std::move(message)});
    } else if (list_.size() == kMost) {
      list_.push_back({"more-warnings", "", "there are more; only the first " + std::to_string(kMost) + " are listed"});
    }
  }
  const std::vector<Warning>& list() const { return list_; }

 private:
  static constexpr size_t kMost = 100;
  std::vector<Warning> list_;
};

}  // namespace numacast
