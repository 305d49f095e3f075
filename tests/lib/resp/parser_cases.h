// Requests, whole and broken, that both the unit tests and the comparison with redis-server go through.
#ifndef LARDER_TESTS_LIB_RESP_PARSER_CASES_H_
#define LARDER_TESTS_LIB_RESP_PARSER_CASES_H_

#include <string>
#include <string_view>
#include <vector>

#include "lib/resp/parser.h"

namespace larder::tests {

struct Parsed {
  std::vector<std::vector<std::string>> requests;
  std::string error;
  size_t consumed = 0;
  friend bool operator==(const Parsed&, const Parsed&) = default;
};

// Feeds `input` whose pieces end at `cuts` (ascending) to a parser. Each call gets a copy of its own, so that a view
// into an earlier one is found by AddressSanitizer.
inline Parsed ParseInPieces(std::string_view input, const std::vector<size_t>& cuts, resp::RequestParser& parser) {
  Parsed parsed;
  resp::ArgVector argv;
  for (size_t i = 0; i <= cuts.size() && parsed.error.empty(); ++i) {
    const size_t end = i == cuts.size() ? input.size() : cuts[i];
    for (;;) {
      const std::vector<char> arrived(input.begin() + static_cast<ptrdiff_t>(parsed.consumed),
                                      input.begin() + static_cast<ptrdiff_t>(end));
      size_t consumed = 0;
      const resp::RequestParser::Status status = parser.Next({arrived.data(), arrived.size()}, &consumed, &argv);
      if (status == resp::RequestParser::kError) {
        char room[resp::RequestParser::kErrorMax];
        parsed.error = parser.error(room);
        parsed.consumed = 0;  // the client is closed: it does not matter
        break;
      }
      parsed.consumed += consumed;
      if (status == resp::RequestParser::kNeedMore) break;
      parsed.requests.emplace_back(argv.begin(), argv.end());
    }
  }
  return parsed;
}

inline Parsed Parse(std::string_view input, bool authenticated = true) {
  resp::RequestParser parser;
  parser.set_authenticated(authenticated);
  return ParseInPieces(input, {}, parser);
}

// PINGs and the like around every way to break a request that is known.
inline std::vector<std::string> OddInputs() {
  const std::string ones70000(70000, '1');
  std::vector<std::string> inputs = {
      "*0\r\n", "*-1\r\nPING\r\n", "*-5\r\nPING\r\n", "*abc\r\n", "*1\r\nabc\r\n", "*1\r\n\r\n", "*1\r\n\n",
      "*1\r\n$-1\r\n",
      "*1\r\n$abc\r\n", "*1\r\n$ 4\r\nPING\r\n", "*1\r\n$+4\r\nPING\r\n", "*1\r\n$04\r\nPING\r\n",
      "*01\r\n$4\r\nPING\r\n",
      "*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n", "*1\r\n$4\nxPING\r\n", "*1\r\n$4\rxPING\r\n", "*1\rx$4\r\nPING\r\n",
      "*1\n",
      "*2147483647\r\n", "*2147483648\r\n", "*1048577\r\n", "*99999999999999999999\r\n", "*\r\n", "*1\r\n$\r\n",
      "*1\r\n$536870912\r\n", "*1\r\n$536870913\r\n", "*1\r\n$9223372036854775807\r\n", "*1\r\n$0\r\n\r\n",
      "*-0\r\nPING\r\n",
      "*1\r\n$-0\r\n\r\nPING\r\n", "*1\r\n\xff\r\n", "*1 \r\n", "*1\r\n$4 \r\n", "\r\n\r\nPING\r\n", "\nPING\n",
      "  PING  \r\n",
      "PING \t a\r\n", "PING\r", "PI\rNG\r\n", "PING a\rb\r\n", "PING\r\r\n", "\r\r\n", "*1\r\n:4\r\n",
      "*1\r\n*1\r\n$4\r\nPING\r\n", "*+1\r\n", "*1\r\n$4\r\nPING", "*1\r\n$4\r\nPING\r", "*1\r\n$4\r\nPING\r\nP",
      "*999999\r\n",
      "*1a\r\n$4\r\nPING\r\n", "*1\r\n$1a\r\nPING\r\n", "*12:\r\n", "*1\r\n$0012\r\nPING\r\n",
      "*" + ones70000.substr(0, 65535), "*" + ones70000.substr(0, 65536), "*" + ones70000,
      "*1\r\n$" + ones70000.substr(0, 65535),
      "*1\r\n$" + ones70000.substr(0, 65536), "*1\r\n$" + ones70000, ones70000.substr(0, 65536),
      ones70000.substr(0, 65537)};
  inputs.push_back(std::string("*1\r\n\0abc\r\n", 10));
  inputs.push_back(std::string("*1\0\r\n", 5));
  inputs.push_back(std::string("PING a\0b\r\nPING\r\n", 16));
  inputs.push_back(std::string("\0PING\r\n", 7));
  inputs.push_back(std::string("PING\0", 5) + ones70000);
  const size_t n = inputs.size();
  for (size_t i = 0; i < n; ++i) inputs.push_back("*1\r\n$4\r\nPING\r\nECHO a\r\n" + inputs[i]);
  return inputs;
}

// What may follow a command on an inline line.
inline std::vector<std::string> OddLines() {
  return {"\"a b\"", "'a b'", R"("a\x41\n\r\t\a\b\\\"\q\x4")", R"('a\'b\n\\')", "\"a\"b", "'a'b", "\"abc", "'abc",
  "a\"b c\"",
          "a\"b\"c", "a'b'", "\"\"", "''", "\"a\"\tb", "a\vb", "\vb", "\fb\f", "\"a\"\v", R"("\xZZ")", R"("\x00")",
          R"("\x4G")",
          R"(\x41)", "\xff\xfe", R"("a\)", R"("a\")", R"('a\')", "\"\r\"", "\"\r", "\"a\r", "'a\r", "\"a\" \"b", "a\r",
          R"("\Xff")", "\xa0" "a", "a\x85", "\"a'b\"", "'a\"b'",
          R"("a\'b")", "a b  c\t\"d e\" 'f' g\"h\"", "\"a\" \"b\" \"c\"",
          "1 2 3 4 5 6 7 8 9 10 11 12", "\"\\xfF\\xaB\"", "", "   ", "'\\x41'", "\"'\"", "'\"'", "\"\\\\\"", R"("\x4)"};
}

}  // namespace larder::tests

#endif  // LARDER_TESTS_LIB_RESP_PARSER_CASES_H_
