#include <cstdlib>
#include <cstring>
#include <utility>

#include "lib/base/bytes.h"
#include "lib/base/check.h"
#include "lib/base/error_texts.h"
#include "lib/base/numbers.h"
#include "lib/base/status.h"
#include "lib/keyspace/errors.h"
#include "lib/resp/reply_parser.h"
#include <larder/reply.h>

namespace larder::inline v0 {

// A Reply's block:  | size_t bytes of the block | nodes, the root first | their text |
// An aggregate's elements are consecutive nodes, so that element i is one addition away.
struct ReplyView::Node {
  Type type;
  size_t length;  // of the text; the number of an aggregate's elements
  union {
    const char* text;
    const Node* elements;
    int64_t integer;
    double number;
  };
};

namespace {

using Type = ReplyView::Type;
using resp::ReplyItem;

Type TypeOf(ReplyItem::Kind kind) {
  switch (kind) {
    case ReplyItem::kBulk: return Type::kString;
    case ReplyItem::kSimple: return Type::kStatus;
    case ReplyItem::kError: return Type::kError;
    case ReplyItem::kInteger: return Type::kInteger;
    case ReplyItem::kDouble: return Type::kDouble;
    case ReplyItem::kBoolean: return Type::kBoolean;
    case ReplyItem::kBigNumber: return Type::kBigNumber;
    case ReplyItem::kVerbatim: return Type::kVerbatim;
    case ReplyItem::kArray: return Type::kArray;
    case ReplyItem::kMap: return Type::kMap;
    case ReplyItem::kSet: return Type::kSet;
    case ReplyItem::kPush: return Type::kPush;
    case ReplyItem::kNil:
    case ReplyItem::kAttribute: break;
  }
  return Type::kNil;
}

// The status code of an error reply.
absl::StatusCode CodeOf(std::string_view text, std::string_view code) {
  for (const ErrorText* known : errors::kAll) {
    if (known->text == text) return known->code;
  }
  if (code == "WRONGTYPE" || code == "EXECABORT" || code == "READONLY") return absl::StatusCode::kFailedPrecondition;
  if (code == "OOM") return absl::StatusCode::kResourceExhausted;
  if (code == "NOAUTH" || code == "WRONGPASS") return absl::StatusCode::kUnauthenticated;
  if (code == "NOPERM") return absl::StatusCode::kPermissionDenied;
  if (code == "BUSY" || code == "LOADING") return absl::StatusCode::kUnavailable;
  if (code == "BUSYKEY") return absl::StatusCode::kAlreadyExists;
  if (code == "UNBLOCKED") return absl::StatusCode::kAborted;
  if (code == "NOSCRIPT") return absl::StatusCode::kNotFound;
  return absl::StatusCode::kInvalidArgument;
}

// Redis's texts that quote the client's input, which may be a key, a value or a password in the wrong place. A Status,
// which may end in logs, has the text without it.
struct Quoting {
  std::string_view begins;
  std::string_view message;
};
constexpr Quoting kQuoting[] = {
    {"Unknown argument ", "unknown argument"},
    {"unknown command '", "unknown command"},
    {"unknown subcommand '", "unknown subcommand"},
    {"unknown subcommand or wrong number of arguments for '", "unknown subcommand or wrong number of arguments"},
    {"Syntax error in HELLO option '", "syntax error in a HELLO option"},
    {"No such user '", "no such user"},
    {"Unsupported option ", "unsupported option"},
    {"Unknown option or number of arguments for CONFIG SET - '",
     "unknown option or number of arguments for CONFIG SET"},
    {"No such key '", "no such stream or consumer group"},
    {"No such consumer group '", "no such consumer group"},
    {"Unrecognized XCLAIM option '", "unrecognized XCLAIM option"},
    {"invalid longitude,latitude pair ", "invalid longitude,latitude pair"},
};

std::string_view MessageOf(std::string_view text) {
  text = internal::WithoutCode(text);
  for (const Quoting& quoting : kQuoting) {
    if (text.substr(0, quoting.begins.size()) == quoting.begins) return quoting.message;
  }
  return text.empty() ? std::string_view("an error reply without a text") : text;
}

}  // namespace

// Builds the tree in memory that was measured before, so nothing here can fail.
class ReplyBuilder {
 public:
  // `resp` is one complete reply.
  explicit ReplyBuilder(std::string_view resp) : resp_(resp) {}

  // The memory that the reply needs. Elements of attributes count too, though they will not be used.
  void Measure(size_t* nodes, size_t* text) const {
    *nodes = *text = 0;
    for (size_t pos = 0; pos < resp_.size();) {
      ReplyItem item;
      pos += static_cast<size_t>(resp::ReadItem(resp_.substr(pos), &item));
      ++*nodes;
      *text += item.text.size();
    }
  }

  template <class Node>
  void Build(Node* nodes, char* text) {
    text_ = text;
    Node* next = nodes + 1;
    Fill(nodes, &next);
  }

 private:
  ReplyItem Read() {
    for (;;) {
      ReplyItem item;
      pos_ += static_cast<size_t>(resp::ReadItem(resp_.substr(pos_), &item));
      if (item.kind != ReplyItem::kAttribute) return item;
      for (uint64_t i = 0; i < item.count; ++i) {
        pos_ += static_cast<size_t>(resp::ReplyLength(resp_.substr(pos_)));
      }
    }
  }

  // *next is the first node not taken. Recursion is bounded by kReplyDepthMax, which ReplyLength checked.
  template <class Node>
  void Fill(Node* node, Node** next) {
    const ReplyItem item = Read();
    node->type = TypeOf(item.kind);
    node->length = 0;
    switch (node->type) {
      case Type::kNil:
        node->text = nullptr;
        return;
      case Type::kInteger:
      case Type::kBoolean:
        node->integer = item.integer;
        return;
      case Type::kDouble:
        node->number = item.number;
        return;
      case Type::kString:
      case Type::kStatus:
      case Type::kError:
      case Type::kBigNumber:
      case Type::kVerbatim:
        base::CopyBytes(text_, item.text);
        node->text = text_;
        node->length = item.text.size();
        text_ += item.text.size();
        return;
      case Type::kArray:
      case Type::kMap:
      case Type::kSet:
      case Type::kPush:
        break;
    }
    Node* const elements = *next;
    node->elements = elements;
    node->length = static_cast<size_t>(item.count);
    *next += node->length;
    for (size_t i = 0; i < node->length; ++i) Fill(&elements[i], next);
  }

  std::string_view resp_;
  size_t pos_ = 0;
  char* text_ = nullptr;
};

absl::StatusOr<Reply> Reply::FromResp(std::string_view resp, size_t* length) {
  void* none = nullptr;
  return FromRespInRoom(resp, length, &none, 0);
}

absl::StatusOr<Reply> Reply::FromRespInRoom(std::string_view resp, size_t* length, void** room, size_t room_bytes) {
  static constexpr char kOkText[] = "OK";
  static constexpr Node kOkNode{Type::kStatus, 2, {.text = kOkText}};
  const ssize_t whole = resp::ReplyLength(resp);
  if (whole < 0) return base::MakeStatus(absl::StatusCode::kInvalidArgument, "the bytes are not a reply");
  if (whole == 0) return base::MakeStatus(absl::StatusCode::kOutOfRange, "the reply is not complete");
  if (length != nullptr) *length = static_cast<size_t>(whole);
  resp = resp.substr(0, static_cast<size_t>(whole));
  Reply reply;
  if (resp == "_\r\n" || resp == "$-1\r\n" || resp == "*-1\r\n") return reply;
  if (resp == "+OK\r\n") {
    reply.node_ = &kOkNode;
    return reply;
  }
  ReplyBuilder builder(resp);
  size_t nodes;
  size_t text;
  builder.Measure(&nodes, &text);
  // Each node and each byte of text stands for at least one byte of input, so this cannot overflow.
  const size_t wanted = sizeof(size_t) + nodes * sizeof(Node) + text;
  const bool in_room = wanted <= room_bytes && *room != nullptr;
  const size_t bytes = in_room ? room_bytes : wanted;
  void* const block = in_room ? std::exchange(*room, nullptr) : std::malloc(bytes);
  if (block == nullptr) return base::NoMemory(base::kNoMemoryForReply);
  std::memcpy(block, &bytes, sizeof(bytes));
  Node* const root = reinterpret_cast<Node*>(static_cast<char*>(block) + sizeof(size_t));
  builder.Build(root, reinterpret_cast<char*>(root + nodes));
  reply.node_ = root;
  reply.block_ = block;
  return reply;
}

Reply::~Reply() { std::free(block_); }

size_t Reply::memory() const {
  size_t bytes = 0;
  if (block_ != nullptr) std::memcpy(&bytes, block_, sizeof(bytes));
  return bytes;
}

ReplyView::Type ReplyView::type() const { return node_ == nullptr ? Type::kNil : node_->type; }

std::string_view ReplyView::string_view() const {
  switch (type()) {
    case Type::kString:
    case Type::kStatus:
    case Type::kError:
    case Type::kBigNumber: return {node_->text, node_->length};
    case Type::kVerbatim: return {node_->text + 4, node_->length - 4};
    default: return {};
  }
}

std::string_view ReplyView::verbatim_format() const {
  return type() == Type::kVerbatim ? std::string_view(node_->text, 3) : std::string_view();
}

std::optional<int64_t> ReplyView::AsInteger() const {
  int64_t value;
  switch (type()) {
    case Type::kInteger:
    case Type::kBoolean: return node_->integer;
    case Type::kString:
    case Type::kStatus:
    case Type::kBigNumber:
      if (base::ParseInt64(string_view(), &value)) return value;
      return std::nullopt;
    default: return std::nullopt;
  }
}

std::optional<double> ReplyView::AsNumber() const {
  double value;
  switch (type()) {
    case Type::kDouble: return node_->number;
    case Type::kInteger:
    case Type::kBoolean: return static_cast<double>(node_->integer);
    case Type::kString:
    case Type::kStatus:
    case Type::kBigNumber:
      if (base::ParseDouble(string_view(), &value)) return value;
      return std::nullopt;
    default: return std::nullopt;
  }
}

std::string_view ReplyView::ScalarText(char (&scratch)[40]) const {
  static_assert(sizeof(scratch) >= base::kDoubleChars && sizeof(scratch) >= base::kIntChars);
  switch (type()) {
    case Type::kInteger:
    case Type::kBoolean:
      return {scratch, static_cast<size_t>(base::WriteInt64(node_->integer, scratch) - scratch)};
    case Type::kDouble: {
      char number[base::kDoubleChars];
      const std::string_view text = base::FormatDouble(node_->number, number);
      base::CopyBytes(scratch, text);
      return {scratch, text.size()};
    }
    default: return string_view();
  }
}

std::string_view ReplyView::error_code() const {
  const std::string_view text = is_error() ? string_view() : std::string_view();
  return text.substr(0, text.find(' '));
}

absl::Status ReplyView::ToStatus() const {
  if (!is_error()) return absl::OkStatus();
  return base::MakeStatus(CodeOf(string_view(), error_code()), MessageOf(string_view()));
}

size_t ReplyView::size() const { return is_aggregate() ? node_->length : 0; }

ReplyView ReplyView::operator[](size_t i) const { return i < size() ? ReplyView(&node_->elements[i]) : ReplyView(); }

std::optional<ReplyView> ReplyView::Find(std::string_view key) const {
  const size_t n = type() == Type::kSet || size() % 2 != 0 ? 0 : size();
  for (size_t i = 0; i < n; i += 2) {
    char scratch[40];
    if ((*this)[i].ScalarText(scratch) == key) return (*this)[i + 1];
  }
  return std::nullopt;
}

}  // namespace larder::inline v0
