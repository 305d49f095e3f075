// Structures: values that are too large for one piece of bytes (DESIGN.md, "A value that is a structure").
//
// The entry of such a value has Storage::kStructure and points to a root, which begins with a Structure. The keyspace
// handles it through its kind alone: the kind frees some of it, clones it, walks through it, counts its elements, and
// moves its blocks.
//
//   caller                      call
//   Garbage::DropValue, and     FreeSome: a small one at once, a large one is detached and freed in steps, and counts as
//   FreeStep                    garbage until then
//   Db::PutCopy                 Clone (PutMoved, EXPIRE and RENAME hand the root on)
//   Compactor                   MoveNext, a block at a time
//   Keyspace::BytesOf           Structure::bytes
//
// Memory. A kind allocates from the Heap's arena with memory::Tenant::kBlock, so that only the compactor's passes move
// its blocks, or it makes memory::Blocks. It keeps `bytes` exact: the sum that the arena and the heap count for it,
// including the root.
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

// The beginning of each root.
struct Structure {
  const StructureKind* kind;
  size_t bytes;                       // all its memory
  Structure* next_garbage = nullptr;  // for Garbage, while it waits to be freed
};

// A kind has no state: one constant object serves all structures of it.
class StructureKind {
 public:
  // The number of elements, in O(1).
  virtual size_t Count(const Structure& root) const = 0;
  // Calls `visit` with each element in the kind's order (a pair is two), until it returns false.
  virtual void Walk(const Structure& root, absl::FunctionRef<bool(Bytes)> visit) const = 0;
  // Another structure of the same elements, or nullptr if there is no memory. The two may share what both only read: a
  // clone of a million elements must not be a long step.
  virtual Structure* Clone(memory::Heap& heap, const Structure& root) const = 0;
  // Frees about `elements` elements, and with the last one the root: *done is true then. Returns how many bytes have
  // become free, and subtracts them from root->bytes. REQUIRES: nobody looks at the elements any more.
  virtual size_t FreeSome(memory::Heap& heap, Structure* root, size_t elements, bool* done) const = 0;
  // Offers the next block after `*position` (0: the first) to `move`, which returns the address of a byte by byte copy,
  // or nullptr if the block stays. If there is a copy, puts it in the place of the old block, and then calls `end` with
  // the old one. The root is one of the blocks: `*root` gets its new address. Returns false, and has done nothing, if
  // there was no block. However the structure changes between two calls, a walk ends.
  virtual bool MoveNext(Structure** root, uint64_t* position, absl::FunctionRef<void*(const void* block)> move,
                        absl::FunctionRef<void(void* block)> end) const = 0;

 protected:
  ~StructureKind() = default;
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_STRUCTURE_H_
