#include "process/process_stat.h"

#include "file/root_dir.h"
#include "file/text.h"

namespace numacast {

std::optional<ProcessStat> ProcessStat::read(int pid, int* error) {
  return readIn("/proc/" + std::to_string(pid), error);
}

std::optional<ProcessStat> ProcessStat::readIn(const std::string& directory, int* error) {
  static const RootDir& root = *new RootDir("/");
  const FileText file = root.read(directory + "/stat");
  if (error != nullptr) *error = file.error;
  return file.ok() ? parse(file.text) : std::nullopt;
}

std::optional<ProcessStat> ProcessStat::parse(std::string_view text) {
  // The name stands in parentheses and may hold blanks and parentheses of its own.
  const size_t name = text.rfind(')');
  if (name == std::string_view::npos) return std::nullopt;
  text.remove_prefix(name + 1);
  ProcessStat stat;
  std::string_view word;
  int field = 2;
  while (nextWord(text, word)) {
    ++field;
    if (field == 3) {
      stat.state = word.front();
      continue;
    }
    const auto number = parseSigned(word);
    // Fields like rsslim exceed 63 bits; none of those is of interest.
    if (!number) continue;
    const auto natural = static_cast<uint64_t>(*number);
    if (field == 9) stat.flags = natural;
    if (field == 14) stat.userTicks = natural;
    if (field == 15) stat.systemTicks = natural;
    if (field == 20) stat.threads = *number;
    if (field == 22) stat.startTime = natural;
    if (field == 24) stat.residentPages = *number;
    if (field == 26) stat.traceable = *number > 1;  // start_code: 1 stands for "not for you"
    if (field == 39) stat.lastCpu = *number;
    if (field == 52) stat.exitCode = static_cast<int>(*number);
  }
  if (field < 22) return std::nullopt;
  return stat;
}

}  // namespace numacast
