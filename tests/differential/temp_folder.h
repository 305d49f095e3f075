// A new folder for a server's socket, and an address of that socket that is short enough wherever the folder is.
#ifndef LARDER_TESTS_DIFFERENTIAL_TEMP_FOLDER_H_
#define LARDER_TESTS_DIFFERENTIAL_TEMP_FOLDER_H_

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>

namespace differential {

[[noreturn]] inline void Fail(std::string_view what) {
  std::fprintf(stderr, "%.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

// Goes away with the object.
class TempFolder {
 public:
  TempFolder() {
    const char* base = getenv("TEST_TMPDIR");
    path_ = std::string(base != nullptr ? base : "/tmp") + "/differential-XXXXXX";
    if (mkdtemp(path_.data()) == nullptr) Fail("mkdtemp");
    fd_ = open(path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  }
  ~TempFolder() {
    close(fd_);
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }
  // A file in it by way of a descriptor of this process: the folder may be deeper than a socket's address is long.
  std::string Short(std::string_view file) const {
    return "/proc/self/fd/" + std::to_string(fd_) + "/" + std::string(file);
  }

 private:
  std::string path_;
  int fd_ = -1;
};

}  // namespace differential

#endif  // LARDER_TESTS_DIFFERENTIAL_TEMP_FOLDER_H_
