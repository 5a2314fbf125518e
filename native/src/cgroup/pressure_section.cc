#include "cgroup/pressure_section.h"

#include <algorithm>

namespace numacast {

/** "some avg10=0.12 avg60=0.00 avg300=0.00 total=12345", then the same for "full". On the hot path. */
Pressure Pressure::parse(std::string_view text) {
  Pressure pressure;
  for (std::string_view line; nextLine(text, line);) {
    const std::string_view kind = line.substr(0, 5);
    PressureLine* out = kind == "some " ? &pressure.some : kind == "full " ? &pressure.full : nullptr;
    if (out == nullptr) continue;
    line.remove_prefix(kind.size());
    while (!line.empty()) {
      const size_t end = std::min(line.find(' '), line.size());
      const std::string_view word = line.substr(0, end);
      line.remove_prefix(std::min(end + 1, line.size()));
      const size_t equals = std::min(word.find('='), word.size());
      const std::string_view key = word.substr(0, equals);
      const std::string_view value = word.substr(std::min(equals + 1, word.size()));
      double* field = key == "avg10"    ? &out->avg10
                      : key == "avg60"  ? &out->avg60
                      : key == "avg300" ? &out->avg300
                      : key == "total"  ? &out->totalUs
                                        : nullptr;
      if (field != nullptr) *field = parseFraction(value).value_or(kUnknown);
    }
  }
  return pressure;
}

void PressureSection::open(const RootDir& root, const CgroupPlace& unified) {
  const char* const names[] = {"cpu", "memory", "io"};
  // The hierarchy's own root counts what /proc/pressure counts.
  const bool own = unified.found() && !(unified.levels.size() == 1 && unified.ancestorsVisible == Visible::kYes);
  for (size_t index = 0; index < kResources; ++index) {
    Entry& entry = entries_[index];
    entry = Entry();
    if (own) entry.file = KeptFile(root, unified.leaf() + "/" + names[index] + ".pressure");
    entry.ofCgroup = entry.file.present();
    if (!entry.ofCgroup) entry.file = KeptFile(root, std::string("/proc/pressure/") + names[index]);
  }
}

void PressureSection::readHot(ReadBuffer& buffer) {
  for (Entry& entry : entries_) {
    if (entry.file.present()) entry.now = Pressure::parse(entry.file.read(buffer));
  }
}

bool PressureSection::gone() const {
  for (const Entry& entry : entries_) {
    if (entry.file.gone()) return true;
  }
  return false;
}

void PressureSection::hotFiles(std::vector<std::string>& paths) const {
  for (const Entry& entry : entries_) {
    if (entry.file.present()) paths.push_back(entry.file.path());
  }
}

}  // namespace numacast
