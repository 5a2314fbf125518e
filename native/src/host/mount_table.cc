#include "host/mount_table.h"

#include <algorithm>
#include <unordered_map>

#include "file/text.h"

namespace numacast {

namespace {

constexpr size_t kMostMounts = 20000;
/** Mounts of cgroups and lxcfs; a machine has a dozen. Each is compared with every mount. */
constexpr size_t kMostRelevant = 128;

std::optional<Mount> parseMountinfo(std::string_view line) {
  std::string_view id, parent, device, root, point, options, word, type, source, superOptions;
  if (!nextWord(line, id) || !nextWord(line, parent) || !nextWord(line, device) || !nextWord(line, root) ||
      !nextWord(line, point) || !nextWord(line, options)) {
    return std::nullopt;
  }
  do {  // optional fields, ended by a single hyphen
    if (!nextWord(line, word)) return std::nullopt;
  } while (word != "-");
  if (!nextWord(line, type) || !nextWord(line, source)) return std::nullopt;
  nextWord(line, superOptions);
  const auto idNumber = parseUnsigned(id);
  const auto parentNumber = parseUnsigned(parent);
  if (!idNumber || !parentNumber || root.empty() || point.empty() || point.front() != '/') return std::nullopt;
  return Mount{*idNumber,         *parentNumber,    unescapeOctal(root), unescapeOctal(point),
               std::string(type), std::string(superOptions)};
}

std::optional<Mount> parseMounts(std::string_view line) {
  std::string_view source, point, type, options;
  if (!nextWord(line, source) || !nextWord(line, point) || !nextWord(line, type) || !nextWord(line, options)) {
    return std::nullopt;
  }
  if (point.front() != '/') return std::nullopt;
  return Mount{0, 0, "/", unescapeOctal(point), std::string(type), std::string(options)};
}

bool isUnder(std::string_view path, std::string_view ancestor) {
  if (ancestor == "/") return true;
  return path.starts_with(ancestor) && (path.size() == ancestor.size() || path[ancestor.size()] == '/');
}

}  // namespace

bool Mount::hasOption(std::string_view name) const {
  for (const std::string_view option : split(options, ',')) {
    if (option == name) return true;
  }
  return false;
}

MountTable MountTable::read(const RootDir& root, Warnings& warnings) {
  MountTable table;
  std::string path = "/proc/self/mountinfo";
  FileText file = root.read(path);
  const bool modern = file.ok();
  if (!modern) {
    const int error = file.error;
    for (const char* older : {"/proc/self/mounts", "/proc/mounts"}) {
      file = root.read(older);
      if (file.ok()) {
        warnings.add("mountinfo-missing", path, "read " + std::string(older) + " instead, which hides bind mounts' roots");
        path = older;
        break;
      }
    }
    if (!file.ok()) {
      warnings.add("mounts-unreadable", path, errnoText(error));
      return table;
    }
  }
  table.known_ = true;
  std::string_view text = file.text;
  for (std::string_view line; nextLine(text, line);) {
    if (trim(line).empty()) continue;
    auto mount = modern ? parseMountinfo(line) : parseMounts(line);
    if (!mount) {
      warnings.add("mounts-malformed", path, "a line does not follow the format and was left out");
    } else if (table.mounts_.size() < kMostMounts) {
      table.mounts_.push_back(std::move(*mount));
    }
  }
  table.hide();
  return table;
}

/**
 * A mount is hidden by a later one on the same point or above it, unless the later one is what it is mounted on: after
 * an initramfs "/" is listed after "/proc". Such ancestors are found by parent ids.
 *
 * Only mounts that we will ask about are tested, so the cost is (cgroup mounts × mounts).
 */
void MountTable::hide() {
  std::unordered_map<uint64_t, size_t> byId;
  for (size_t index = 0; index < mounts_.size(); ++index) {
    if (mounts_[index].id != 0) byId.emplace(mounts_[index].id, index);
  }
  const auto isAncestor = [&](size_t above, size_t of) {
    size_t at = of;
    for (int step = 0; step < 64; ++step) {
      const auto found = byId.find(mounts_[at].parent);
      if (found == byId.end() || found->second == at) return false;
      at = found->second;
      if (at == above) return true;
    }
    return false;
  };
  std::vector<Mount> visible;
  size_t relevant = 0;
  for (size_t index = 0; index < mounts_.size() && relevant < kMostRelevant; ++index) {
    const Mount& mount = mounts_[index];
    if (!mount.type.starts_with("cgroup") && mount.type != "fuse.lxcfs") continue;
    ++relevant;
    bool hidden = false;
    for (size_t later = index + 1; later < mounts_.size() && !hidden; ++later) {
      hidden = isUnder(mount.point, mounts_[later].point) && !isAncestor(later, index);
    }
    if (!hidden) visible.push_back(mount);
  }
  mounts_ = std::move(visible);
}

bool MountTable::hasMountAt(std::string_view point, std::string_view type) const {
  return std::any_of(mounts_.begin(), mounts_.end(),
                     [&](const Mount& mount) { return mount.point == point && mount.type == type; });
}

}  // namespace numacast
