// SORT: the elements of a list (of a set or a sorted set, see elements.h) by their own value or by that of another key
// each, some of them, and what is got for each from other keys.
//
//   Sorting sorting(db, options);
//   LARDER_RETURN_IF_ERROR(sorting.Run(entry));
//   for (size_t i = 0; i < sorting.size(); ++i) ... sorting[i], sorting.Get(pattern, i, &value)
//
// Cost: O(N + M log M), N elements of which M are returned. Not short.
#ifndef LARDER_OPS_SORT_H_
#define LARDER_OPS_SORT_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/functional/function_ref.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/holder.h"
#include "lib/keyspace/db.h"
#include "lib/ops/elements.h"
#include "lib/ops/strings.h"

namespace larder::inline v0::ops {

struct SortOptions {
  Bytes by = {};  // pattern of keys; empty: by the elements themselves
  bool no_sort = false;
  bool descending = false;
  bool alpha = false;  // by bytes, not by numbers
  bool stores = false;
  int64_t start = 0;
  int64_t count = -1;  // below 0: all
};

class Sorting {
 public:
  Sorting(keyspace::Db& db, const SortOptions& options) : db_(db), options_(options) {}

  // What is at the key. It and all others must stay as they are while the result is used. Errors: kWrongType,
  // kNotSortable, kAllocationFailed.
  Error Run(const keyspace::Entry* entry) LARDER_REQUIRES_HOLDER;

  // How many there are within the limits.
  size_t size() const { return end_ - start_; }
  Bytes operator[](size_t i) const { return items()[start_ + i].element; }
  // GET's value for an element: itself for "#", else the string at a key, or in a field of the hash at a key, that the
  // pattern names. Not found: no such, or of another type. `text` is valid until the next Get. Errors:
  // kAllocationFailed.
  Error Get(Bytes pattern, Bytes element, strings::Text* text) LARDER_REQUIRES_HOLDER;

 private:
  struct Item {
    Bytes element;
    Bytes text;     // alpha: what is compared
    double number;  // not alpha
    int64_t integer;  // alpha: what is compared, in digits, if is_integer
    size_t index;
    bool found;
    bool is_integer;
  };
  Item* items() const { return reinterpret_cast<Item*>(const_cast<char*>(room_.view().data())); }

  void SetLimits(size_t all);
  Error Weigh(Item* item) LARDER_REQUIRES_HOLDER;
  int Compare(const Item& a, const Item& b) const;

  keyspace::Db& db_;
  SortOptions options_;
  Elements elements_;
  base::Buffer room_;
  base::Buffer key_;
  strings::Digits digits_;
  size_t start_ = 0;
  size_t end_ = 0;
};

// SORT with STORE ("sortstore", or "del" if there is nothing to store): a list of `count` elements takes the place of
// what is at `key`. `next` gives them, one after another. `command`: the change as a command. Errors: those of `next`,
// kAllocationFailed.
using NextElement = absl::FunctionRef<Error(size_t i, Bytes* element)>;
Error StoreSorted(keyspace::Db& db, Bytes key, size_t count, NextElement next, std::span<const Bytes> command)
    LARDER_REQUIRES_HOLDER;

}  // namespace larder::inline v0::ops

#endif  // LARDER_OPS_SORT_H_
