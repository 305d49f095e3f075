// Reply: the answer of Cache::Execute. It owns its bytes and has typed access.
//
//   absl::StatusOr<larder::Reply> reply = cache.Execute({"CONFIG", "GET", "max*"});
//   if (!reply.ok()) return reply.status();            // it did not run
//   if (reply->is_error()) return reply->ToStatus();   // it was refused
//   if (std::optional<larder::ReplyView> policy = reply->Find("maxmemory-policy")) {
//     std::cout << policy->string_view() << '\n';
//   }
//   for (larder::ReplyView word : *reply) std::cout << word.AsString() << '\n';
//
// A Reply owns one block of memory with the whole tree in it. A ReplyView is a pair of pointers into it: cheap to copy,
// valid while its Reply lives (moving the Reply moves the ownership and leaves views valid). A Reply is a ReplyView of
// its own root, so both are read alike.
//
// Shapes: maps are kMap, whose elements are key, value, key, value... as in RESP2's flat arrays; size() counts both.
//
// An error *reply* (wrong type, syntax...) is a Reply of kError, here and inside arrays (EXEC): see ToStatus().
// Accessors for another type than the reply has return an empty value and never crash.
//
// Threads: a Reply is immutable; many threads may read one.
// Cost: one allocation, of 24 bytes for each element and the text; none for nil and for OK.
#ifndef LARDER_REPLY_H_
#define LARDER_REPLY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <larder/export.h>

namespace larder::inline v0 {

namespace core {
class ReplyRoom;
}

class LARDER_API ReplyView {
 public:
  enum class Type : uint8_t {
    kNil,
    kString,   // a bulk
    kStatus,   // a simple string such as OK
    kError,
    kInteger,
    kDouble,
    kBoolean,
    kBigNumber,
    kVerbatim,
    kArray,
    kMap,
    kSet,
    kPush,
  };

  ReplyView() = default;  // a nil

  Type type() const;
  bool is_nil() const { return type() == Type::kNil; }
  bool is_error() const { return type() == Type::kError; }
  bool is_ok() const { return type() == Type::kStatus && string_view() == "OK"; }
  bool is_aggregate() const { return type() >= Type::kArray; }

  // The text of a string, status, error (with its code), big number or verbatim string (without its format).
  std::string_view string_view() const;
  // An integer's value; a boolean's as 1 or 0; a string's, status's or big number's if its text is an integer; else 0.
  int64_t integer() const { return AsInteger().value_or(0); }
  std::optional<int64_t> AsInteger() const;
  // A double's value; an integer's; a string's, status's or big number's if its text is a number; else 0.
  double number() const { return AsNumber().value_or(0); }
  std::optional<double> AsNumber() const;
  bool boolean() const { return integer() != 0; }

  // A scalar's text in an owned string: as string_view(), but numbers as Redis prints them, booleans as "1" and "0",
  // and "" for nil and aggregates.
  std::string AsString() const {
    char scratch[40];
    return std::string(ScalarText(scratch));
  }

  // "ERR", "WRONGTYPE"...: an error's first word. Empty for other types.
  std::string_view error_code() const;
  // An error as an absl::Status, OK for other types. WRONGTYPE is FAILED_PRECONDITION, OOM is RESOURCE_EXHAUSTED,
  // NOAUTH and WRONGPASS are UNAUTHENTICATED, NOPERM is PERMISSION_DENIED, UNBLOCKED is ABORTED.
  // An error that a typed call returns too has that call's code ("increment or decrement would overflow" is
  // OUT_OF_RANGE). Others are INVALID_ARGUMENT or the nearest. The message is the reply's text without its code and
  // without what it quotes of the command's arguments.
  absl::Status ToStatus() const;

  // "txt", "mkd": a verbatim string's format.
  std::string_view verbatim_format() const;

  // The number of elements of an aggregate, 0 for scalars. A map has two for each pair.
  size_t size() const;
  bool empty() const { return size() == 0; }
  // Element i; a nil if there is none.
  ReplyView operator[](size_t i) const;

  // The value at `key` in a map, or in an array or push of even size read as one; the first one if there are several.
  // Keys are compared as text. O(size).
  std::optional<ReplyView> Find(std::string_view key) const;

  class Iterator;
  inline Iterator begin() const;
  inline Iterator end() const;

  // The reply as redis-cli prints it to a terminal, without the final newline: "(integer) 1", "1) \"a\"\n2) \"b\"",
  // "(nil)"...
  std::string DebugString() const {
    std::string text(DebugSize(), '\0');
    DebugPrint(text.data());
    return text;
  }

 protected:
  struct Node;
  explicit ReplyView(const Node* node) : node_(node) {}
  const Node* node_ = nullptr;  // nullptr is a nil

 private:
  friend class Reply;
  std::string_view ScalarText(char (&scratch)[40]) const;
  size_t DebugSize() const;
  void DebugPrint(char* out) const;
};

// Walks an aggregate's elements in order.
class LARDER_API ReplyView::Iterator {
 public:
  using value_type = ReplyView;
  using difference_type = ptrdiff_t;
  Iterator() = default;
  Iterator(ReplyView of, size_t i) : of_(of), i_(i) {}
  ReplyView operator*() const { return of_[i_]; }
  Iterator& operator++() {
    ++i_;
    return *this;
  }
  Iterator operator++(int) { return Iterator(of_, i_++); }
  friend bool operator==(const Iterator& a, const Iterator& b) { return a.i_ == b.i_; }
  friend bool operator!=(const Iterator& a, const Iterator& b) { return a.i_ != b.i_; }

 private:
  ReplyView of_;
  size_t i_ = 0;
};

inline ReplyView::Iterator ReplyView::begin() const { return Iterator(*this, 0); }
inline ReplyView::Iterator ReplyView::end() const { return Iterator(*this, size()); }

// It is movable, not copyable: a copy of a large reply would be a surprise and could fail.
class LARDER_API Reply : public ReplyView {
 public:
  Reply() = default;  // a nil
  ~Reply();
  Reply(Reply&& other) noexcept
      : ReplyView(std::exchange(other.node_, nullptr)), block_(std::exchange(other.block_, nullptr)) {}
  Reply& operator=(Reply&& other) noexcept {
    std::swap(node_, other.node_);
    std::swap(block_, other.block_);
    return *this;
  }
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;

  // The reply at the front of `resp`, in RESP2 or RESP3, with its text copied; *length (if given) is the number of
  // bytes it took. Attributes are dropped. Errors: RESOURCE_EXHAUSTED without memory; OUT_OF_RANGE if the reply is not
  // complete; INVALID_ARGUMENT if it is malformed or nested deeper than 128.
  static absl::StatusOr<Reply> FromResp(std::string_view resp, size_t* length = nullptr);

  // The bytes of memory that it owns.
  size_t memory() const;

 private:
  friend class core::ReplyRoom;
  // The same with memory that was taken from malloc before: if *room suffices, it is used, and nullptr afterwards.
  static absl::StatusOr<Reply> FromRespInRoom(std::string_view resp, size_t* length, void** room, size_t room_bytes);

  void* block_ = nullptr;
};

}  // namespace larder::inline v0

#endif  // LARDER_REPLY_H_
