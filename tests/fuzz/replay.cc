// Gives a fuzz target each file of the folders that are its arguments: the corpus as a test, by any compiler.
//
// Each is given whole and with its last bytes missing, which cuts what is in progress at the end in every target.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

#include "tests/fuzz/fuzz.h"

namespace {

constexpr size_t kCutsMax = 3;

std::vector<std::string> FilesOf(const char* folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.is_regular_file(error)) files.push_back(entry.path().string());
  }
  if (error) std::fprintf(stderr, "%s: %s\n", folder, error.message().c_str());
  std::sort(files.begin(), files.end());
  return files;
}

bool Replay(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file) return false;
  std::fprintf(stderr, "%s (%zu bytes)\n", path.c_str(), bytes.size());
  for (size_t cut = 0; cut <= std::min(kCutsMax, bytes.size()); ++cut) {
    // In memory of its exact size, so that AddressSanitizer sees a read past the end.
    const std::vector<uint8_t> input(bytes.begin(), bytes.end() - static_cast<ptrdiff_t>(cut));
    (void)LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  size_t count = 0;
  for (int i = 1; i < argc; ++i) {
    const std::vector<std::string> files = FilesOf(argv[i]);
    if (files.empty()) {
      std::fprintf(stderr, "there is nothing in %s\n", argv[i]);
      return 1;
    }
    for (const std::string& file : files) {
      if (!Replay(file)) {
        std::fprintf(stderr, "cannot read %s\n", file.c_str());
        return 1;
      }
    }
    count += files.size();
  }
  std::fprintf(stderr, "%zu inputs\n", count);
  return count == 0 ? 1 : 0;
}
