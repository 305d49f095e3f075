// Numbers, sizes and globs from random bytes, in memory of the exact size: no read past the end, and what was read and
// written is read the same again.
#include <cstdint>
#include <string_view>
#include <vector>

#include "lib/base/check.h"
#include "lib/base/glob.h"
#include "lib/base/numbers.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::vector<char> first(data + 1, data + size);
  const std::string_view text(first.data(), first.size());
  namespace base = larder::base;
  int64_t integer;
  if (base::ParseInt64(text, &integer)) {
    char out[base::kIntChars];
    LARDER_CHECK(base::FormatInt64(integer, out) == text);
  }
  double number;
  if (base::ParseDouble(text, &number)) {
    char out[base::kDoubleChars];
    double again;
    LARDER_CHECK(base::ParseDouble(base::FormatDouble(number, out), &again) && again == number);
  }
  long double wide;
  if (base::ParseLongDouble(text, &wide)) {
    char out[base::kLongDoubleChars];
    LARDER_CHECK(!base::FormatLongDoubleHuman(wide, out).empty());
  }
  uint64_t bytes;
  (void)base::ParseMemorySize(text, &bytes);
  const size_t cut = text.size() * data[0] / 256;
  const std::vector<char> pattern(first.begin(), first.begin() + static_cast<ptrdiff_t>(cut));
  (void)base::GlobMatch({pattern.data(), cut}, text.substr(cut), data[0] % 2 == 0);
  return 0;
}
