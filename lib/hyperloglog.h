// HyperLogLog: a handle on an estimate of how many different elements were added, in 12 KB at most, with an error of
// 0.81 % (Flajolet, Fusy, Gandouet, Meunier: HyperLogLog, 2007). The string at the key is Redis's, byte for byte.
//
//   larder::HyperLogLog visitors(cache, "visitors");
//   absl::StatusOr<bool> raised = visitors.Add("203.0.113.7");
//   absl::StatusOr<int64_t> about = visitors.Count();
//
// A handle is made from a Cache, a Database or a Transaction, and is valid as long as that; from a Transaction, its
// calls are the Transaction's. It keeps a copy of the key.
//
// Threads, errors, ownership: as cache.h says of every call. FAILED_PRECONDITION if another type, or a string that is no
// HyperLogLog, is at a key.
#ifndef LARDER_HYPERLOGLOG_H_
#define LARDER_HYPERLOGLOG_H_

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <larder/cache.h>
#include <larder/internal/commanded.h>
#include <larder/internal/handle.h>
#include <larder/internal/string_ops.h>

namespace larder::inline v0 {

class HyperLogLog : public internal::KeyHandle {
  using Words = std::span<const std::string_view>;
  using Listed = std::initializer_list<std::string_view>;

 public:
  HyperLogLog(const Database& database, std::string_view key) : KeyHandle(database, key) {}

  // PFADD: whether the estimate may have changed. Of no elements: makes an empty one if there is none.
  absl::StatusOr<bool> Add(std::string_view element) const { return Add(Words(&element, 1)); }
  absl::StatusOr<bool> Add(Words elements) const {
    internal::Words words("PFADD", key_);
    words.AddAll(elements);
    if (!words.status().ok()) return words.status();
    const Words command = words.all();
    bool changed = false;
    const internal::ErrorText* const error =
        Run(internal::kHyperLogLogAdd, words.behind_key(), &command, target_.core, &changed);
    return internal::ResultOf(error, changed);
  }
  absl::StatusOr<bool> Add(Listed elements) const { return Add(Words(elements)); }
  // PFCOUNT: the estimate, 0 without a key; that of the union with those at other keys of the same database.
  absl::StatusOr<int64_t> Count() const {
    int64_t count = 0;
    return internal::ResultOf(Run(internal::kHyperLogLogCount, &count), count);
  }
  absl::StatusOr<int64_t> CountUnion(Words others) const {
    internal::Words words("PFCOUNT", key_);
    words.AddAll(others);
    return internal::IntegerOf(internal::Execute(target_, words));
  }
  absl::StatusOr<int64_t> CountUnion(Listed others) const { return CountUnion(Words(others)); }
  // PFMERGE: takes in those at other keys.
  absl::Status Merge(Words others) const {
    internal::Words words("PFMERGE", key_);
    words.AddAll(others);
    return internal::Execute(target_, words).status();
  }
  absl::Status Merge(Listed others) const { return Merge(Words(others)); }
};

}  // namespace larder::inline v0

#endif  // LARDER_HYPERLOGLOG_H_
