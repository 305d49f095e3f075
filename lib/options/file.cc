// Files: reading all of one, and putting another in its place.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/options/directive.h"

namespace larder::inline v0::directives {
namespace {

constexpr size_t kFileBytesMax = 4 << 20;

int WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = write(fd, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return errno;
    text.remove_prefix(static_cast<size_t>(wrote));
  }
  return 0;
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == path.npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

// A rename is on disk when its directory is.
void SyncDirectory(const std::string& directory) {
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd);
  close(fd);
}

// Allocates nothing: what it has begun, it finishes.
int FillAndRename(int fd, const std::string& temporary, const std::string& path, std::string_view text) {
  struct stat old;
  if (stat(path.c_str(), &old) == 0) {
    if (S_ISDIR(old.st_mode)) return EISDIR;
    if (!S_ISREG(old.st_mode)) return EINVAL;  // /dev/null as a configuration file stays /dev/null
    if (fchmod(fd, old.st_mode & 07777) != 0) return errno;
    // Only root may give files away; the others keep the new one, as they would with an editor.
    if (fchown(fd, old.st_uid, old.st_gid) != 0 && errno != EPERM) return errno;
  }
  if (const int error = WriteAll(fd, text); error != 0) return error;
  if (fsync(fd) != 0) return errno;
  if (rename(temporary.c_str(), path.c_str()) != 0) return errno;
  return 0;
}

}  // namespace

std::string ErrnoText(int error) {
  char buffer[256];
  return strerror_r(error, buffer, sizeof(buffer));  // GNU's: returns the text
}

int ReadAll(int fd, base::Buffer* to) {
  constexpr size_t kStep = 16 << 10;
  for (;;) {
    if (!to->Reserve(kStep)) return ENOMEM;
    const ssize_t got = read(fd, to->data() + to->size(), kStep);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) return 0;
    to->Extend(static_cast<size_t>(got));
    if (to->size() > kFileBytesMax) return EFBIG;
  }
}

int ReadFile(const char* path, base::Buffer* to) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int error = ReadAll(fd, to);
  close(fd);
  return error;
}

int ReplaceFile(const std::string& path, std::string_view text) {
  char resolved[PATH_MAX];
  const bool exists = realpath(path.c_str(), resolved) != nullptr;
  if (!exists && errno == ENOMEM) return ENOMEM;
  const std::string target = exists ? resolved : path;
  const std::string directory = DirectoryOf(target);
  std::string temporary = target + ".XXXXXX";
  const int fd = mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return errno;
  int error = FillAndRename(fd, temporary, target, text);
  if (close(fd) != 0 && error == 0 && errno != EINTR) error = errno;
  if (error != 0) unlink(temporary.c_str());
  else SyncDirectory(directory);
  return error;
}

}  // namespace larder::inline v0::directives
