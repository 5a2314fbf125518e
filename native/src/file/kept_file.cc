#include "file/kept_file.h"

#include <unistd.h>

#include <cstring>

namespace numacast {

KeptFile::KeptFile(const RootDir& root, std::string path) : path_(std::move(path)) {
  fd_ = root.openFile(path_, error_);
}

std::string_view KeptFile::read(ReadBuffer& buffer) {
  if (!fd_.valid()) return {};
  // The kernel answers one pread with the whole of such a file when the buffer is large enough, so a short answer is
  // the end of it, and the usual case costs one system call.
  for (;;) {
    const ssize_t got = pread(fd_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      error_ = errno;
      return {};
    }
    const size_t length = static_cast<size_t>(got);
    if (length == buffer.size()) {
      if (buffer.grow()) continue;
      error_ = EFBIG;
      return {};
    }
    error_ = 0;
    const void* end = std::memchr(buffer.data(), '\0', length);
    return {buffer.data(), end == nullptr ? length : static_cast<size_t>(static_cast<const char*>(end) - buffer.data())};
  }
}

}  // namespace numacast
