#include "file/root_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <system_error>

#include "file/text.h"

namespace numacast {

namespace {

/** struct open_how of linux/openat2.h, which kernel headers before 5.6 lack. */
struct OpenHow {
  uint64_t flags;
  uint64_t mode;
  uint64_t resolve;
};

constexpr uint64_t kResolveInRoot = 0x10;  // RESOLVE_IN_ROOT
constexpr long kOpenat2 = 437;             // the same number wherever Node runs

}  // namespace

std::string errnoText(int error) { return std::generic_category().message(error); }

RootDir::RootDir(const std::string& root) : live_(root == "/") {
  if (!live_) root_ = UniqueFd(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

int RootDir::openAt(const std::string& path, int flags) const {
  if (path.empty() || path[0] != '/' || path.find('\0') != std::string::npos) {
    errno = EINVAL;
    return -1;
  }
  if (live_) return ::open(path.c_str(), flags);
  const size_t start = path.find_first_not_of('/');
  const std::string relative = start == std::string::npos ? "." : path.substr(start);
  const OpenHow how = {static_cast<uint64_t>(flags), 0, kResolveInRoot};
  const long fd = syscall(kOpenat2, root_.get(), relative.c_str(), &how, sizeof how);
  if (fd >= 0) return static_cast<int>(fd);
  // Kernels before 5.6, and sandboxes that refuse what they do not know.
  if (errno != ENOSYS && errno != EPERM) return -1;
  return openStepwise(relative, flags);
}

/** What RESOLVE_IN_ROOT does, name by name: a link's target is put in front of the names that are left. */
int RootDir::openStepwise(const std::string& path, int flags) const {
  constexpr int kMostLinks = 40;  // the kernel's own bound
  std::vector<UniqueFd> above;    // the directories on the way; none is the root
  std::deque<std::string> names;
  const auto prepend = [&](std::string_view text) {
    const std::vector<std::string_view> parts = split(text, '/');
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
      if (!part->empty() && *part != ".") names.emplace_front(*part);
    }
  };
  prepend(path);
  const bool follow = (flags & O_NOFOLLOW) == 0;
  for (int links = 0; !names.empty();) {
    const std::string name = std::move(names.front());
    names.pop_front();
    if (name == "..") {
      if (!above.empty()) above.pop_back();
      continue;
    }
    const int directory = above.empty() ? root_.get() : above.back().get();
    UniqueFd next(openat(directory, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat status = {};
    if (!next.valid() || fstat(next.get(), &status) != 0) return -1;
    if (S_ISLNK(status.st_mode) && (follow || !names.empty())) {
      char target[4096];
      const ssize_t length = readlinkat(next.get(), "", target, sizeof target);
      if (length < 0) return -1;
      if (++links > kMostLinks) {
        errno = ELOOP;
        return -1;
      }
      if (length > 0 && target[0] == '/') above.clear();
      prepend({target, static_cast<size_t>(length)});
    } else if (names.empty()) {
      return openat(directory, name.c_str(), flags | O_NOFOLLOW);
    } else {
      above.push_back(std::move(next));
    }
  }
  return openat(above.empty() ? root_.get() : above.back().get(), ".", flags);
}

UniqueFd RootDir::openFile(const std::string& path, int& error) const {
  UniqueFd fd(openAt(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  error = fd.valid() ? 0 : errno;
  if (!fd.valid()) return fd;
  struct stat status = {};
  if (fstat(fd.get(), &status) != 0) {
    error = errno;
  } else if (S_ISDIR(status.st_mode)) {
    error = EISDIR;
  } else if (!S_ISREG(status.st_mode)) {
    error = EINVAL;
  }
  if (error != 0) fd.reset();
  return fd;
}

FileText RootDir::read(const std::string& path) const {
  FileText result;
  const UniqueFd fd = openFile(path, result.error);
  if (!fd.valid()) return result;
  char chunk[16384];
  for (;;) {
    const ssize_t got = ::read(fd.get(), chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      result.error = errno;
      result.text.clear();
      return result;
    }
    if (got == 0) break;
    result.text.append(chunk, static_cast<size_t>(got));
    if (result.text.size() > kMostFileBytes) {
      result.error = EFBIG;
      result.text.clear();
      return result;
    }
  }
  // Captures are often padded with NULs to the size that sysfs claims.
  const size_t end = result.text.find('\0');
  if (end != std::string::npos) result.text.resize(end);
  return result;
}

bool RootDir::list(const std::string& path, std::vector<std::string>& names) const {
  names.clear();
  UniqueFd fd(openAt(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return false;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(fdopendir(fd.get()), closedir);
  if (directory == nullptr) return false;
  fd.release();  // closedir closes it from here on
  while (const dirent* entry = readdir(directory.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    names.push_back(name);
    if (names.size() >= kMostEntries) break;
  }
  return true;
}

bool RootDir::isDirectory(const std::string& path) const {
  return UniqueFd(openAt(path, O_PATH | O_DIRECTORY | O_CLOEXEC)).valid();
}

bool RootDir::exists(const std::string& path) const { return UniqueFd(openAt(path, O_PATH | O_CLOEXEC)).valid(); }

std::string RootDir::readLink(const std::string& path) const {
  const UniqueFd fd(openAt(path, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) return {};
  char target[4096];
  const ssize_t length = readlinkat(fd.get(), "", target, sizeof target);
  return length < 0 ? std::string() : std::string(target, static_cast<size_t>(length));
}

}  // namespace numacast
