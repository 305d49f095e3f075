// What the handles of types have in common. Part of the public headers' machinery, not of the API.
#ifndef LARDER_INTERNAL_HANDLE_H_
#define LARDER_INTERNAL_HANDLE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include <larder/cache.h>
#include <larder/internal/error_text.h>
#include <larder/internal/fetched.h>
#include <larder/internal/typed.h>

namespace larder::inline v0::internal {

using WordSpan = std::span<const std::string_view>;

inline namespace LARDER_INTERNAL_FLAVOR {

// A command's words. status() tells if there was no memory for them.
class Words {
 public:
  Words() = default;
  Words(std::string_view name, std::string_view key) {
    Add(name);
    Add(key);
  }
  void Add(std::string_view word) {
    if (!status_.ok()) return;
    status_ = FillResult([&] { words_.push_back(word); });
  }
  template <class Range>
  void AddAll(const Range& words) {
    if (!status_.ok()) return;
    status_ = FillResult([&] { words_.insert(words_.end(), words.begin(), words.end()); });
  }
  const absl::Status& status() const { return status_; }
  WordSpan all() const { return words_; }
  WordSpan behind_key() const { return all().subspan(2); }

 private:
  std::vector<std::string_view> words_;
  absl::Status status_;
};

}  // inline namespace LARDER_INTERNAL_FLAVOR

// A key of one database, as that type which the handle's class names. The key's bytes are the handle's own.
class KeyHandle {
 public:
  const std::string& key() const { return key_; }

 protected:
  KeyHandle(const Database& database, std::string_view key) : target_(TargetOf(database)), key_(key) {}
  ~KeyHandle() = default;
  KeyHandle(const KeyHandle&) = default;
  KeyHandle& operator=(const KeyHandle&) = default;

  template <class... Args>
  const ErrorText* Run(const TypedOp<Args...>& op, std::type_identity_t<Args>... args) const {
    return RunTyped(target_, op, key_, args...);
  }
  // An op on several words, which counts. Without words nothing is done.
  absl::StatusOr<int64_t> RunWords(const TypedOp<WordSpan, const WordSpan*, int64_t*>& op, const Words& words) const {
    if (!words.status().ok()) return words.status();
    const WordSpan command = words.all();
    int64_t count = 0;
    if (command.size() == 2) return count;
    return ResultOf(Run(op, words.behind_key(), &command, &count), count);
  }

  Target target_;
  std::string key_;
};

inline namespace LARDER_INTERNAL_FLAVOR {

// A result that was made after the call took something out: without memory for it, that is lost.
template <class T>
absl::StatusOr<T> TakenOut(bool done, absl::StatusOr<T> result) {
  if (done && !result.ok()) return StatusOf(kResultLost);
  return result;
}

// A number that was fetched as its bytes, and a list of them.
template <class Number>
Number FetchedNumber(std::string_view bytes) {
  Number number{};
  std::memcpy(&number, bytes.data(), sizeof(number));
  return number;
}
template <class Number>
absl::StatusOr<std::vector<Number>> NumbersOf(const ErrorText* error, const FetchedList& list) {
  if (error != nullptr) [[unlikely]] return StatusOf(*error);
  std::vector<Number> result;
  absl::Status filled = FillResult([&] {
    result.reserve(list.size());
    for (size_t i = 0; i < list.size(); ++i) result.push_back(FetchedNumber<Number>(list.view(i)));
  });
  if (!filled.ok()) return filled;
  return result;
}

// What was fetched, as strings.
inline absl::StatusOr<std::vector<std::string>> StringsOf(const ErrorText* error, const FetchedList& list) {
  if (error != nullptr) [[unlikely]] return StatusOf(*error);
  std::vector<std::string> result;
  absl::Status filled = FillResult([&] {
    result.reserve(list.size());
    for (size_t i = 0; i < list.size(); ++i) result.emplace_back(list.view(i));
  });
  if (!filled.ok()) return filled;
  return result;
}
inline absl::StatusOr<std::vector<std::optional<std::string>>> OptionalStringsOf(const ErrorText* error,
                                                                                 const FetchedList& list) {
  if (error != nullptr) [[unlikely]] return StatusOf(*error);
  std::vector<std::optional<std::string>> result;
  absl::Status filled = FillResult([&] {
    result.reserve(list.size());
    for (size_t i = 0; i < list.size(); ++i) {
      if (list.found(i)) {
        result.emplace_back(std::in_place, list.view(i));
      } else {
        result.emplace_back();
      }
    }
  });
  if (!filled.ok()) return filled;
  return result;
}
// Two fetched strings for each element.
inline absl::StatusOr<std::vector<std::pair<std::string, std::string>>> PairsOf(const ErrorText* error,
                                                                                const FetchedList& list) {
  if (error != nullptr) [[unlikely]] return StatusOf(*error);
  std::vector<std::pair<std::string, std::string>> result;
  absl::Status filled = FillResult([&] {
    result.reserve(list.size() / 2);
    for (size_t i = 0; i + 1 < list.size(); i += 2) result.emplace_back(list.view(i), list.view(i + 1));
  });
  if (!filled.ok()) return filled;
  return result;
}

}  // inline namespace LARDER_INTERNAL_FLAVOR
}  // namespace larder::inline v0::internal

#endif  // LARDER_INTERNAL_HANDLE_H_
