#pragma once

#include <cerrno>
#include <string>
#include <vector>

#include "file/unique_fd.h"

namespace numacast {

/** What reading a file gave: its text, or errno. */
struct FileText {
  int error = 0;
  std::string text;

  bool ok() const { return error == 0; }
  /** Not there, as opposed to there and unreadable. */
  bool missing() const { return error == ENOENT || error == ENOTDIR; }
};

std::string errnoText(int error);

/**
 * The directory that stands for "/". For a captured tree, paths and symbolic links are resolved inside it
 * (openat2 RESOLVE_IN_ROOT), so that an absolute link or a ".." cannot lead to the reader's own machine.
 * Paths given to it are absolute, as seen from inside.
 */
class RootDir {
 public:
  static constexpr size_t kMostFileBytes = size_t{16} << 20;
  static constexpr size_t kMostEntries = size_t{1} << 17;

  explicit RootDir(const std::string& root);

  /** Whether this is the running machine, not a capture. */
  bool live() const { return live_; }

  /** A regular file opened for reading; on failure an invalid fd and `error` set. Never blocks on a FIFO. */
  UniqueFd openFile(const std::string& path, int& error) const;
  /** Reads to end of file, whatever size `stat` claims. Cut at the first NUL. */
  FileText read(const std::string& path) const;
  /** Entry names without "." and ".."; false when the directory cannot be read. */
  bool list(const std::string& path, std::vector<std::string>& names) const;
  bool isDirectory(const std::string& path) const;
  bool exists(const std::string& path) const;
  /** Target of a symbolic link, or empty. */
  std::string readLink(const std::string& path) const;

 private:
  int openAt(const std::string& path, int flags) const;
  int openStepwise(const std::string& path, int flags) const;

  bool live_;
  UniqueFd root_;
};

}  // namespace numacast
