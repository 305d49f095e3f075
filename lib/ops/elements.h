// The elements of a key, whatever type of collection it is: for SORT, which takes lists, sets and sorted sets.
#ifndef LARDER_OPS_ELEMENTS_H_
#define LARDER_OPS_ELEMENTS_H_

#include <cstddef>

#include "absl/functional/function_ref.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/keyspace/collection.h"
#include "lib/keyspace/entry.h"

namespace larder::inline v0::ops {

class Elements {
 public:
  // Takes those of what an entry holds; none of no entry. Call once. Errors: kWrongType, kAllocationFailed.
  Error Open(const keyspace::Entry* entry);

  size_t size() const { return collection_.size(); }
  // False: they come in the order of a table, which nobody is promised, or of a set's integers.
  bool ordered() const { return ordered_; }
  // `count` elements from `first` on, or, `backwards`, from `first` down, until `visit` returns false. They stay where
  // they are until the next change of the keyspace, or the end of this object.
  void ForRange(size_t first, size_t count, bool backwards, absl::FunctionRef<bool(Bytes element)> visit) const;

 private:
  Error WriteNumbers();

  keyspace::Collection collection_;
  bool ordered_ = true;
  bool numbers_ = false;
  base::Buffer digits_;  // of a set's integers, in places of kIntChars bytes, of which the first says how many are used
};

}  // namespace larder::inline v0::ops

#endif  // LARDER_OPS_ELEMENTS_H_
