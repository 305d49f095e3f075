// The elements of a key, whatever type of collection it is: for SORT, which takes several.
//
// A type is added in Of: what its elements are in a record, and whether they have an order of their own. An element must
// stay where it is while others are visited: one that is made for the visit (the digits of an integer) needs a place of
// its own.
#ifndef LARDER_OPS_ELEMENTS_H_
#define LARDER_OPS_ELEMENTS_H_

#include <cstddef>

#include "absl/functional/function_ref.h"
#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/keyspace/collection.h"
#include "lib/keyspace/entry.h"

namespace larder::inline v0::ops {

class Elements {
 public:
  // Of what an entry holds; none of no entry. Errors: kWrongType.
  static Result<Elements> Of(const keyspace::Entry* entry);

  size_t size() const { return collection_.size(); }
  // False: they come in the order of a table, which nobody is promised.
  bool ordered() const { return ordered_; }
  // `count` elements from `first` on, or, `backwards`, from `first` down, until `visit` returns false. Valid until the
  // next change of the keyspace.
  void ForRange(size_t first, size_t count, bool backwards, absl::FunctionRef<bool(Bytes element)> visit) const;

 private:
  keyspace::Collection collection_;
  bool ordered_ = true;
};

}  // namespace larder::inline v0::ops

#endif  // LARDER_OPS_ELEMENTS_H_
