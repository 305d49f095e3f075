// Inline requests from random bytes, two ways.
//
// As they are, one line each: the pieces give what the whole gives. And as words that are quoted the way a client's
// user would: the parser must give back the very words. The first byte chooses the quotes and the pieces.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/random.h"
#include "lib/resp/parser.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/resp/parser_cases.h"

namespace larder::fuzz {
namespace {

using tests::Parsed;
using Words = std::vector<std::string>;

// Any byte but NUL and LF can stand inside double quotes, if need be as \xHH.
std::string InDoubleQuotes(std::string_view word, bool all_hex) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text = "\"";
  for (const char c : word) {
    const auto byte = static_cast<uint8_t>(c);
    if (all_hex || byte < ' ' || byte > '~') {
      text += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
    }
  }
  return text + '"';
}

// In single quotes only the quote itself has an escape, so that a backslash before a quote cannot be written.
bool FitsSingleQuotes(std::string_view word) {
  return word.find_first_of(std::string_view("\0\r\n\\", 4)) == std::string_view::npos;
}
std::string InSingleQuotes(std::string_view word) {
  std::string text = "'";
  for (const char c : word) {
    if (c == '\'') text += '\\';
    text += c;
  }
  return text + "'";
}

bool IsPlain(std::string_view word) {
  if (word.empty() || word[0] == '*') return false;
  for (const char c : word) {
    if (c <= ' ' || c > '~' || c == '"' || c == '\'' || c == '\\') return false;
  }
  return true;
}

Parsed InPieces(const std::string& input, base::Random& random, size_t piece_max) {
  std::vector<size_t> cuts;
  for (size_t at = 0; (at += 1 + random.Below(piece_max)) < input.size();) cuts.push_back(at);
  resp::RequestParser parser;
  return tests::ParseInPieces(input, cuts, parser);
}

// The words are what stands between the input's NULs.
Words WordsOf(std::string_view input) {
  Words words;
  while (true) {
    const size_t end = input.find('\0');
    words.emplace_back(input.substr(0, end));
    if (end == std::string_view::npos) return words;
    input.remove_prefix(end + 1);
  }
}

void CheckQuoted(std::string_view input, base::Random& random, size_t piece_max) {
  const Words words = WordsOf(input);
  std::string line;
  for (const std::string& word : words) {
    const uint64_t how = random.Below(4);
    if (how == 0 && IsPlain(word)) line += word;
    else if (how == 1 && FitsSingleQuotes(word)) line += InSingleQuotes(word);
    else line += InDoubleQuotes(word, how == 2);
    line.append(1 + random.Below(2), random.Below(2) == 0 ? ' ' : '\t');
  }
  if (line.size() >= resp::RequestParser::kInlineMax) return;
  line += random.Below(2) == 0 ? "\r\n" : "\n";
  Parsed wanted;
  wanted.requests = {words, {"PING"}};
  wanted.consumed = line.size() + 6;
  Require(tests::Parse(line + "PING\r\n") == wanted, "words come back from their quotes", line);
  Require(InPieces(line + "PING\r\n", random, piece_max) == wanted, "and in pieces", line);
}

void CheckLines(std::string_view input, base::Random& random, size_t piece_max) {
  std::string lines;
  while (!input.empty()) {
    const size_t end = input.find('\n');
    // Without an array in it, which request_parser_fuzz is for.
    if (input[0] == '*') lines += ' ';
    lines += input.substr(0, end == std::string_view::npos ? end : end + 1);
    input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
  }
  const Parsed whole = tests::Parse(lines);
  Require(InPieces(lines, random, piece_max) == whole, "pieces give what the whole gives", lines);
  for (const Words& request : whole.requests) Require(!request.empty(), "a request has a word", lines);
}

}  // namespace
}  // namespace larder::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  larder::base::Random random(data[0]);
  const size_t piece_max = 1 + data[0] % 16;
  larder::fuzz::CheckLines(input, random, piece_max);
  larder::fuzz::CheckQuoted(input, random, piece_max);
  return 0;
}
