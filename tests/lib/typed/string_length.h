// A typed call that Larder does not have: STRLEN. What it takes to add one, without a change in lib: its op, the op's
// row, and the call itself.
#ifndef LARDER_TESTS_LIB_TYPED_STRING_LENGTH_H_
#define LARDER_TESTS_LIB_TYPED_STRING_LENGTH_H_

#include <larder/cache.h>

#include <cstdint>
#include <string_view>

#include "lib/ops/strings.h"
#include "lib/typed/op.h"

namespace larder::testing {

inline Error ReadLength(const typed::OpAt& at, int64_t* length) {
  ops::strings::Digits digits;
  LARDER_ASSIGN_OR_RETURN(const ops::strings::Text text, ops::strings::Read(at.db(), at.key, digits));
  *length = static_cast<int64_t>(text.bytes.size());
  return kOk;
}

inline constexpr internal::TypedOp<int64_t*> kStringLength = typed::OpOf<int64_t*>(
    {.name = "STRLEN", .access = internal::Access::kReads, .keys = internal::KeyCount::kOne,
     .run = typed::By<ReadLength>});

// STRLEN: 0 without a key.
inline absl::StatusOr<int64_t> StringLength(const Database& database, std::string_view key) {
  int64_t length = 0;
  const internal::ErrorText* error = internal::RunTyped(internal::TargetOf(database), kStringLength, key, &length);
  return internal::ResultOf(error, length);
}

}  // namespace larder::testing

#endif  // LARDER_TESTS_LIB_TYPED_STRING_LENGTH_H_
