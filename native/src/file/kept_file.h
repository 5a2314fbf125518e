#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "file/root_dir.h"
#include "file/unique_fd.h"

namespace numacast {

/** Room for a file's text, shared by all files of one reader and grown at need. */
class ReadBuffer {
 public:
  ReadBuffer() : bytes_(16384) {}
  char* data() { return bytes_.data(); }
  size_t size() const { return bytes_.size(); }
  bool grow() {
    if (bytes_.size() >= RootDir::kMostFileBytes) return false;
    bytes_.resize(bytes_.size() * 4);
    return true;
  }

 private:
  std::vector<char> bytes_;
};

/** A file opened once and read again and again with pread. */
class KeptFile {
 public:
  KeptFile() = default;
  KeptFile(const RootDir& root, std::string path);

  const std::string& path() const { return path_; }
  bool present() const { return fd_.valid(); }
  bool missing() const { return error_ == ENOENT || error_ == ENOTDIR; }
  /** There, but of no use: it could not be opened, or its last read failed. */
  bool unreadable() const { return error_ != 0 && !missing(); }
  int error() const { return error_; }
  /** The cgroup is gone (ENODEV), or the process (ESRCH). */
  bool gone() const { return error_ == ENODEV || error_ == ESRCH; }

  /** The text now, valid until the buffer is used again; empty with `error()` set when it cannot be read. */
  std::string_view read(ReadBuffer& buffer);

 private:
  std::string path_;
  UniqueFd fd_;
  int error_ = ENOENT;
};

}  // namespace numacast
