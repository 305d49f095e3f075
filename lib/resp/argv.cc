#include "lib/resp/argv.h"

namespace larder::inline v0::resp {

void ArgVector::Rebase(const char* from, const char* to, size_t length) {
  // As integers: the old input may have been freed, and arithmetic on its pointers would be undefined.
  const uintptr_t old_base = reinterpret_cast<uintptr_t>(from);
  Bytes* const args = data();
  for (size_t i = 0; i < size_; ++i) {
    const uintptr_t offset = reinterpret_cast<uintptr_t>(args[i].data()) - old_base;
    if (offset <= length) args[i] = Bytes(to + offset, args[i].size());
  }
}

}  // namespace larder::inline v0::resp
