// Structures: values too large to be bytes in one piece (DESIGN.md, "A value that is a structure").
//
// The entry of such a value has Storage::kStructure and points to a root, which begins with a Structure. All that the
// keyspace has to know of what is behind it is its kind: how some of it is freed, how it is cloned, how one walks
// through it, how many elements there are, and how one of its blocks is moved.
//
//   who asks                    for what
//   Garbage::DropValue, and     FreeSome: a small one at once, a large one is detached and freed in steps, and counts as
//   FreeStep                    garbage until then
//   Db::PutCopy                 Clone (PutMoved, EXPIRE and RENAME hand the root on)
//   Compactor                   MoveNext, a block at a time
//   Keyspace::BytesOf           Structure::bytes
//
// Memory. What a kind allocates comes from the Heap's arena with memory::Tenant::kBlock, so that the compactor meets it
// on its passes and nowhere else, or is a memory::Block. It keeps `bytes` exact: the sum of what the arena and the heap
// count for it, the root included.
//
// Threads: the executor's holder.
#ifndef LARDER_KEYSPACE_STRUCTURE_H_
#define LARDER_KEYSPACE_STRUCTURE_H_

#include <cstddef>
#include <cstdint>

#include "absl/functional/function_ref.h"
#include "lib/base/bytes.h"
#include "lib/memory/heap.h"

namespace larder::inline v0::keyspace {

class StructureKind;

// What each root begins with.
struct Structure {
  const StructureKind* kind;
  size_t bytes;                       // all that it takes
  Structure* next_garbage = nullptr;  // Keyspace's, while it waits to be freed
};

// A kind has no state: one constant object serves all structures of it.
class StructureKind {
 public:
  // Elements, O(1).
  virtual size_t Count(const Structure& root) const = 0;
  // Calls `visit` with each element in the kind's order (a pair is two), until it returns false.
  virtual void Walk(const Structure& root, absl::FunctionRef<bool(Bytes)> visit) const = 0;
  // Another of the same elements, or nullptr without memory. It may share what both only read; no step of a million
  // elements.
  virtual Structure* Clone(memory::Heap& heap, const Structure& root) const = 0;
  // Frees about `elements` of them, and with the last the root: *done. Returns how many bytes have become free, which
  // it subtracts from root->bytes. Nobody looks at the elements any more.
  virtual size_t FreeSome(memory::Heap& heap, Structure* root, size_t elements, bool* done) const = 0;
  // Offers the block that is next after `*position` (0: the first) to `move`, which returns where a copy of it now is,
  // byte by byte, or nullptr if it stays; puts that in the place of the old one, and then calls `end` with that. The
  // root is one of the blocks: `*root` is set to where it is. Returns false, and has done nothing, if there was none.
  // Whatever becomes of the structure between two calls, a walk ends.
  virtual bool MoveNext(Structure** root, uint64_t* position, absl::FunctionRef<void*(const void* block)> move,
                        absl::FunctionRef<void(void* block)> end) const = 0;

 protected:
  ~StructureKind() = default;
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_STRUCTURE_H_
