// What a fuzz target says before it ends the process: libFuzzer and the replay both print it beside the input's name.
#ifndef LARDER_TESTS_FUZZ_FUZZ_H_
#define LARDER_TESTS_FUZZ_FUZZ_H_

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace larder::fuzz {

[[noreturn]] inline void Fail(const char* what, std::string_view detail) {
  std::fprintf(stderr, "not so: %s\n%.*s\n", what, static_cast<int>(detail.size()), detail.data());
  std::abort();
}

inline void Require(bool holds, const char* what, std::string_view detail = {}) {
  if (!holds) Fail(what, detail);
}

}  // namespace larder::fuzz

#endif  // LARDER_TESTS_FUZZ_FUZZ_H_
