// Error and Result: the reason why a command was refused, without an allocation.
//
// A refusal is a pointer to a constant text, so returning one costs a register on the path that succeeds, and cannot
// itself fail when memory is short (an absl::Status with a message allocates). A text with a part of the input in it is
// written straight into the reply, and the function then returns kReplied (see resp/writer.h). At the public API an
// Error becomes an absl::Status: the code tells the kind, and the message is the text that a RESP client would see.
#ifndef LARDER_BASE_ERROR_H_
#define LARDER_BASE_ERROR_H_

#include <utility>

#include <larder/internal/error_text.h>
#include "lib/base/bytes.h"
#include "lib/base/check.h"

namespace larder::inline v0 {

// One refusal, in the words that a RESP client sees, without the leading '-'. Instances are constants with static
// lifetime.
using internal::ErrorText;

class [[nodiscard]] Error {
 public:
  constexpr Error() = default;
  constexpr Error(const ErrorText& text) : text_(&text) {}  // NOLINT: errors are named where they are returned
  constexpr bool ok() const { return text_ == nullptr; }
  constexpr const ErrorText* text() const { return text_; }
  friend constexpr bool operator==(Error a, Error b) { return a.text_ == b.text_; }

 private:
  const ErrorText* text_ = nullptr;
};

inline constexpr Error kOk{};

// Means that the reply, an error, has been written already.
inline constexpr ErrorText kRepliedText{absl::StatusCode::kUnknown, ""};
inline constexpr Error kReplied{kRepliedText};

// A T, or the reason why there is none. T must be default constructible, and should be small.
template <class T>
class [[nodiscard]] Result {
 public:
  constexpr Result(T value) : value_(std::move(value)) {}                          // NOLINT
  constexpr Result(Error error) : error_(error) { LARDER_DCHECK(!error.ok()); }    // NOLINT
  constexpr Result(const ErrorText& text) : error_(text) {}                        // NOLINT
  constexpr bool ok() const { return error_.ok(); }
  constexpr Error error() const { return error_; }
  constexpr T& operator*() { return value_; }
  constexpr const T& operator*() const { return value_; }
  constexpr T* operator->() { return &value_; }
  constexpr const T* operator->() const { return &value_; }

 private:
  T value_{};
  Error error_;
};

}  // namespace larder::inline v0

#define LARDER_CONCAT_2(a, b) a##b
#define LARDER_CONCAT(a, b) LARDER_CONCAT_2(a, b)

#define LARDER_RETURN_IF_ERROR(expression)              \
  do {                                                  \
    const ::larder::Error larder_error_ = (expression); \
    if (!larder_error_.ok()) return larder_error_;      \
  } while (false)

#define LARDER_ASSIGN_OR_RETURN(target, expression) \
  LARDER_ASSIGN_OR_RETURN_2(LARDER_CONCAT(larder_result_, __LINE__), target, expression)
#define LARDER_ASSIGN_OR_RETURN_2(result, target, expression) \
  auto result = (expression);                                 \
  if (!result.ok()) return result.error();                    \
  target = std::move(*result)

#endif  // LARDER_BASE_ERROR_H_
