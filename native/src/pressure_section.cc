#include "pressure_section.h"

namespace numacast {

/** "some avg10=0.12 avg60=0.00 avg300=0.00 total=12345", then the same for "full". */
Pressure Pressure::parse(std::string_view text) {
  Pressure pressure;
  for (std::string_view line; nextLine(text, line);) {
    std::string_view word;
    if (!nextWord(line, word)) continue;
    PressureLine* out = word == "some" ? &pressure.some : word == "full" ? &pressure.full : nullptr;
    if (out == nullptr) continue;
    while (nextWord(line, word)) {
      const size_t equals = word.find('=');
      if (equals == std::string_view::npos) continue;
      const std::string_view key = word.substr(0, equals);
      const std::string_view value = word.substr(equals + 1);
      double* field = key == "avg10" ? &out->avg10 : key == "avg60" ? &out->avg60 : key == "avg300" ? &out->avg300 : nullptr;
      if (field != nullptr) {
        *field = parseFraction(value).value_or(kUnknown);
      } else if (key == "total") {
        const auto total = parseUnsigned(value);
        out->totalUs = total ? static_cast<double>(*total) : kUnknown;
      }
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
