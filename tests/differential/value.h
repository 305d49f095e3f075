// A reply as a tree, read by this test's own parser: what the writer under test puts out is not read back by its
// sibling.
#ifndef LARDER_TESTS_DIFFERENTIAL_VALUE_H_
#define LARDER_TESTS_DIFFERENTIAL_VALUE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace differential {

using Argv = std::vector<std::string>;

struct Value {
  char type = '_';  // the RESP type byte
  bool null = false;
  std::string text;          // of scalars
  std::vector<Value> items;  // of aggregates; keys and values in turn for maps

  bool is_error() const { return type == '-'; }
  bool is_aggregate() const { return !null && (type == '*' || type == '%' || type == '~' || type == '>'); }
  bool operator==(const Value&) const = default;
  bool operator<(const Value& other) const {
    return std::tie(type, null, text, items) < std::tie(other.type, other.null, other.text, other.items);
  }

  // The integer of a ':' reply. REQUIRES: type == ':'.
  int64_t integer() const { return std::stoll(text); }
  // The value at `key` of a map or a flat array of pairs, or nullptr.
  const Value* Find(std::string_view key) const;
};

// Reads the reply at the front of `in`. Its length, 0 if it is not complete, -1 if it is malformed.
int64_t ParseValue(std::string_view in, Value* value);

// One line, binary bytes escaped, long texts cut.
std::string Printable(std::string_view bytes, size_t max = 400);
std::string Printable(const Argv& argv);

// HELLO's reply has the client's id, which is whatever it is: the bytes with '#' in its place.
std::string WithoutIds(const std::string& bytes);

// Case ignored, as names of commands and options are compared.
bool SameWord(std::string_view a, std::string_view b);
std::string Lower(std::string_view text);

}  // namespace differential

#endif  // LARDER_TESTS_DIFFERENTIAL_VALUE_H_
