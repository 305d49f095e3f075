// Reply's DebugString: the output of redis-cli on a terminal.
//
// The core may not fill a std::string (its growth throws). So the text is made twice: once to count, once into the room
// that the header's inline code provides.
#include <cstring>

#include "lib/base/bytes.h"
#include "lib/base/numbers.h"
#include <larder/reply.h>

namespace larder::inline v0 {
namespace {

using Type = ReplyView::Type;

// Counts bytes, and copies them if it has room for them.
class Sink {
 public:
  explicit Sink(char* out) : out_(out) {}
  size_t size() const { return size_; }
  void Add(std::string_view text) {
    if (out_ != nullptr) base::CopyBytes(out_ + size_, text);
    size_ += text.size();
  }
  void Blanks(size_t n) {
    if (out_ != nullptr) std::memset(out_ + size_, ' ', n);
    size_ += n;
  }

 private:
  char* out_;
  size_t size_ = 0;
};

void AddQuoted(std::string_view text, Sink& sink) {
  constexpr char kHex[] = "0123456789abcdef";
  constexpr std::string_view kSpecial = "\n\r\t\a\b\\\"";
  constexpr std::string_view kLetters = "nrtab\\\"";
  sink.Add("\"");
  for (char c : text) {
    const size_t special = kSpecial.find(c);
    const unsigned char byte = static_cast<unsigned char>(c);
    if (special != std::string_view::npos) {
      const char escape[] = {'\\', kLetters[special]};
      sink.Add({escape, sizeof(escape)});
    } else if (byte >= 0x20 && byte < 0x7f) {
      sink.Add({&c, 1});
    } else {
      const char escape[] = {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
      sink.Add({escape, sizeof(escape)});
    }
  }
  sink.Add("\"");
}

// Whether the reply takes more than one line. As a map's value it then starts on a line of its own.
bool IsMultiline(ReplyView reply) {
  const bool map = reply.type() == Type::kMap;
  const size_t n = map ? reply.size() / 2 : reply.size();
  return n > 1 || (n == 1 && IsMultiline(reply[map ? 1 : 0]));
}

void Print(ReplyView reply, size_t indent, Sink& sink);

void PrintAggregate(ReplyView reply, size_t indent, Sink& sink) {
  const Type type = reply.type();
  const bool map = type == Type::kMap;
  if (reply.empty()) return sink.Add(map ? "(empty hash)" : type == Type::kSet ? "(empty set)" : "(empty array)");
  const std::string_view mark = map ? "# " : type == Type::kSet ? "~ " : ") ";
  const size_t lines = map ? reply.size() / 2 : reply.size();
  char digits[base::kIntChars];
  const size_t width = base::FormatUint64(lines, digits).size();
  const size_t inner = indent + width + mark.size();
  for (size_t i = 0; i < lines; ++i) {
    const std::string_view number = base::FormatUint64(i + 1, digits);
    if (i != 0) {
      sink.Add("\n");
      sink.Blanks(indent);
    }
    sink.Blanks(width - number.size());
    sink.Add(number);
    sink.Add(mark);
    if (!map) {
      Print(reply[i], inner, sink);
      continue;
    }
    Print(reply[2 * i], inner, sink);
    sink.Add(" => ");
    const ReplyView value = reply[2 * i + 1];
    if (IsMultiline(value)) {
      sink.Add("\n");
      sink.Blanks(inner);
    }
    Print(value, inner, sink);
  }
}

void Print(ReplyView reply, size_t indent, Sink& sink) {
  char digits[base::kIntChars];
  char number[base::kDoubleChars];
  switch (reply.type()) {
    case Type::kNil: return sink.Add("(nil)");
    case Type::kString: return AddQuoted(reply.string_view(), sink);
    case Type::kStatus:
    case Type::kBigNumber:
    case Type::kVerbatim: return sink.Add(reply.string_view());
    case Type::kError:
      sink.Add("(error) ");
      return sink.Add(reply.string_view());
    case Type::kInteger:
      sink.Add("(integer) ");
      return sink.Add(base::FormatInt64(reply.integer(), digits));
    case Type::kDouble:
      sink.Add("(double) ");
      return sink.Add(base::FormatDouble(reply.number(), number));
    case Type::kBoolean: return sink.Add(reply.boolean() ? "(true)" : "(false)");
    case Type::kArray:
    case Type::kMap:
    case Type::kSet:
    case Type::kPush: return PrintAggregate(reply, indent, sink);
  }
}

}  // namespace

size_t ReplyView::DebugSize() const {
  Sink sink(nullptr);
  Print(*this, 0, sink);
  return sink.size();
}

void ReplyView::DebugPrint(char* out) const {
  Sink sink(out);
  Print(*this, 0, sink);
}

}  // namespace larder::inline v0
