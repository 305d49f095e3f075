#include "lib/resp/reply_parser.h"

#include <cstring>

#include "lib/base/numbers.h"

namespace larder::inline v0::resp {
namespace {

bool ParseCount(Bytes text, uint64_t* count) {
  int64_t value;
  if (!base::ParseInt64(text, &value) || value < 0) return false;
  *count = static_cast<uint64_t>(value);
  return true;
}

bool ParseInteger(Bytes text, int64_t* value) {
  if (!text.empty() && text[0] == '+') text.remove_prefix(1);
  return base::ParseInt64(text, value);
}

bool IsBigNumber(Bytes text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == Bytes::npos;
}

bool ParseRespDouble(Bytes text, double* value) {
  if (text == "nan" || text == "-nan") {
    *value = __builtin_nan("");
    return true;
  }
  return base::ParseDouble(text, value);
}

// "$", "!" and "=": the header line is known, the payload may not have arrived.
ssize_t ReadBlob(Bytes input, size_t header, ReplyItem* item, size_t* missing) {
  uint64_t length;
  if (!ParseCount(item->text, &length) || length > (uint64_t{1} << 62)) return -1;
  const size_t whole = header + static_cast<size_t>(length) + 2;
  if (input.size() < whole) {
    if (missing != nullptr) *missing = whole - input.size();
    return 0;
  }
  item->text = input.substr(header, static_cast<size_t>(length));
  if (input.substr(whole - 2, 2) != "\r\n") return -1;
  if (item->kind == ReplyItem::kVerbatim && (length < 4 || item->text[3] != ':')) return -1;
  return static_cast<ssize_t>(whole);
}

bool ReadAggregate(ReplyItem::Kind kind, uint64_t per_count, ReplyItem* item) {
  item->kind = kind;
  return ParseCount(item->text, &item->count) && !__builtin_mul_overflow(item->count, per_count, &item->count);
}

// Takes apart the header line of `type`, whose text is in *item. False: malformed. *blob: a payload follows.
bool ReadLine(char type, ReplyItem* item, bool* blob) {
  const Bytes line = item->text;
  switch (type) {
    case '+': item->kind = ReplyItem::kSimple; return true;
    case '-': item->kind = ReplyItem::kError; return true;
    case ':': item->kind = ReplyItem::kInteger; return ParseInteger(line, &item->integer);
    case ',': item->kind = ReplyItem::kDouble; return ParseRespDouble(line, &item->number);
    case '(': item->kind = ReplyItem::kBigNumber; return IsBigNumber(line);
    case '_': item->kind = ReplyItem::kNil; return line.empty();
    case '#':
      item->kind = ReplyItem::kBoolean;
      item->integer = line == "t";
      return line == "t" || line == "f";
    case '$':
    case '*':
      if (line == "-1") {
        item->kind = ReplyItem::kNil;
        return true;
      }
      if (type == '*') return ReadAggregate(ReplyItem::kArray, 1, item);
      item->kind = ReplyItem::kBulk;
      return *blob = true;
    case '!': item->kind = ReplyItem::kError; return *blob = true;
    case '=': item->kind = ReplyItem::kVerbatim; return *blob = true;
    case '%': return ReadAggregate(ReplyItem::kMap, 2, item);
    case '|': return ReadAggregate(ReplyItem::kAttribute, 2, item);
    case '~': return ReadAggregate(ReplyItem::kSet, 1, item);
    case '>': return ReadAggregate(ReplyItem::kPush, 1, item);
    default: return false;
  }
}

}  // namespace

ssize_t ReadItem(Bytes input, ReplyItem* item, size_t* missing) {
  if (missing != nullptr) *missing = 0;
  if (input.empty()) return 0;
  const void* const found = std::memchr(input.data(), '\r', input.size());
  if (found == nullptr) return 0;
  const size_t end = static_cast<size_t>(static_cast<const char*>(found) - input.data());
  if (end == 0) return -1;
  if (end + 1 == input.size()) return 0;
  if (input[end + 1] != '\n') return -1;
  *item = ReplyItem();
  item->text = input.substr(1, end - 1);
  bool blob = false;
  if (!ReadLine(input[0], item, &blob)) return -1;
  return blob ? ReadBlob(input, end + 2, item, missing) : static_cast<ssize_t>(end + 2);
}

ssize_t ReplyScanner::Scan(Bytes input) {
  if (input.size() < skip_) return 0;
  for (;;) {
    ReplyItem item;
    size_t missing = 0;
    const ssize_t length = ReadItem(input.substr(pos_), &item, &missing);
    if (length < 0) return -1;
    if (length == 0) {
      skip_ = input.size() + missing;
      return 0;
    }
    pos_ += static_cast<size_t>(length);
    if (item.kind != ReplyItem::kAttribute) --left_[depth_];  // an attribute only announces a reply
    if (item.count != 0) {
      if (depth_ == kReplyDepthMax) return -1;
      left_[++depth_] = item.count;
    }
    while (left_[depth_] == 0) {
      if (depth_ == 0) return static_cast<ssize_t>(pos_);
      --depth_;
    }
  }
}

ssize_t ReplyLength(Bytes input) {
  ReplyScanner scanner;
  return scanner.Scan(input);
}

}  // namespace larder::inline v0::resp
