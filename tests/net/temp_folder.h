// A folder for a test's unix sockets. Not under the test's own temporary folder: a socket's path has 107 bytes at most.
#ifndef LARDER_TESTS_NET_TEMP_FOLDER_H_
#define LARDER_TESTS_NET_TEMP_FOLDER_H_

#include <stdlib.h>

#include <filesystem>
#include <string>

#include "gtest/gtest.h"

namespace larder {

class TempFolder {
 public:
  TempFolder() { EXPECT_NE(mkdtemp(path_.data()), nullptr); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }
  std::string operator/(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_ = "/tmp/larder_XXXXXX";
};

}  // namespace larder

#endif  // LARDER_TESTS_NET_TEMP_FOLDER_H_
