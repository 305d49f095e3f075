#include "tests/differential/value.h"

#include <algorithm>
#include <charconv>

namespace differential {
namespace {

constexpr int kDepthMax = 32;

int64_t Parse(std::string_view in, Value* value, int depth) {
  const size_t end = in.find("\r\n");
  if (depth > kDepthMax) return -1;
  if (end == std::string_view::npos) return 0;
  if (end == 0) return -1;
  value->type = in[0];
  value->null = false;
  value->items.clear();
  const std::string_view head = in.substr(1, end - 1);
  const size_t body = end + 2;
  switch (in[0]) {
    case '+': case '-': case ':': case ',': case '#': case '(':
      value->text = head;
      return static_cast<int64_t>(body);
    case '_':
      value->null = true;
      return head.empty() ? static_cast<int64_t>(body) : -1;
    case '$': case '=': case '*': case '%': case '~': case '>':
      break;
    default:
      return -1;
  }
  int64_t count = 0;
  const auto [stop, error] = std::from_chars(head.data(), head.data() + head.size(), count);
  if (error != std::errc() || stop != head.data() + head.size() || count < -1) return -1;
  if (count == -1) {
    value->null = true;
    return static_cast<int64_t>(body);
  }
  if (in[0] == '$' || in[0] == '=') {
    const size_t size = static_cast<size_t>(count);
    if (in.size() - body < size + 2) return 0;
    if (in.substr(body + size, 2) != "\r\n") return -1;
    value->text = in.substr(body, size);
    return static_cast<int64_t>(body + size + 2);
  }
  if (in[0] == '%') count *= 2;
  size_t at = body;
  for (int64_t i = 0; i < count; ++i) {
    Value item;
    const int64_t length = Parse(in.substr(at), &item, depth + 1);
    if (length <= 0) return length;
    value->items.push_back(std::move(item));
    at += static_cast<size_t>(length);
  }
  return static_cast<int64_t>(at);
}

}  // namespace

const Value* Value::Find(std::string_view key) const {
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    if (items[i].text == key) return &items[i + 1];
  }
  return nullptr;
}

int64_t ParseValue(std::string_view in, Value* value) { return Parse(in, value, 0); }

std::string Printable(std::string_view bytes, size_t max) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == max) return out + "... (" + std::to_string(bytes.size()) + " bytes)";
    const unsigned char c = static_cast<unsigned char>(bytes[i]);
    if (c == '\r') {
      out += "\\r";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' || c == '\\') {
      out += {'\\', static_cast<char>(c)};
    } else if (c < 32 || c > 126) {
      out += {'\\', 'x', kHex[c >> 4], kHex[c & 15]};
    } else {
      out += static_cast<char>(c);
    }
  }
  return out;
}

std::string Printable(const Argv& argv) {
  std::string out;
  for (const std::string& arg : argv) {
    if (!out.empty()) out += ' ';
    const std::string text = Printable(arg, 80);
    const bool bare = !text.empty() && text.find_first_of(" '\\*?[") == std::string::npos;
    out += bare ? text : "\"" + text + "\"";
  }
  return out;
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return out;
}

std::string WithoutIds(const std::string& bytes) {
  static constexpr std::string_view kField = "$2\r\nid\r\n:";
  std::string out;
  size_t from = 0;
  for (size_t at; (at = bytes.find(kField, from)) != bytes.npos;) {
    at += kField.size();
    out.append(bytes, from, at - from);
    from = std::min(bytes.find_first_not_of("0123456789", at), bytes.size());
    out += '#';
  }
  return out.append(bytes, from);
}

bool SameWord(std::string_view a, std::string_view b) { return Lower(a) == Lower(b); }

}  // namespace differential
