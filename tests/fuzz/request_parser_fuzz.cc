// Requests from random bytes: no crash, and pieces give what the whole gives. The first byte chooses the pieces.
#include <cstdint>
#include <string_view>
#include <vector>

#include "lib/base/check.h"
#include "lib/base/random.h"
#include "lib/resp/parser.h"
#include "tests/lib/resp/parser_cases.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  larder::base::Random random(data[0]);
  std::vector<size_t> cuts;
  for (size_t at = 0; (at += 1 + random.Below(1 + data[0] % 16)) < input.size();) cuts.push_back(at);
  larder::resp::RequestParser parser;
  parser.set_authenticated(data[0] % 2 == 0);
  const larder::tests::Parsed pieces = larder::tests::ParseInPieces(input, cuts, parser);
  LARDER_CHECK(pieces == larder::tests::Parse(input, data[0] % 2 == 0));
  return 0;
}
