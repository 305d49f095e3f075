// Strings as values: what a string is to become, before there is an entry for it. What Db does with one is in
// string_value.cc.
//
// A string value is stored as a 64-bit integer when its text is exactly that integer's, inside its entry up to
// memory::kInlineValueMax bytes, and otherwise in a memory::Block. The encoding is a label that goes by the op, see
// lib/ops/strings.cc.
//
// Threads: the executor's holder for Db's part; a StringSource may be made by any thread.
#ifndef LARDER_KEYSPACE_STRING_VALUE_H_
#define LARDER_KEYSPACE_STRING_VALUE_H_

#include <cstddef>
#include <cstdint>

#include "lib/base/bytes.h"
#include "lib/keyspace/entry.h"
#include "lib/memory/block.h"

namespace larder::inline v0::keyspace {

// What a string is to become. Refers to bytes; owns nothing but what `block` is told to give.
struct StringSource {
  Entry::Storage storage;
  Encoding encoding;
  int64_t integer = 0;                 // kInteger
  Bytes bytes;                         // otherwise
  memory::BlockRef* block = nullptr;   // kBlock, optional: a block that holds exactly `bytes`, taken over on success
  Type type = Type::kString;           // another: the packed form of a collection

  // As SET stores text: an integer's exact text as an integer, short text as "embstr", the rest "raw".
  static StringSource Of(Bytes bytes);
  static StringSource Of(int64_t integer) { return {Entry::Storage::kInteger, Encoding::kInt, integer, {}, nullptr}; }
  // The same as Of(block->view()), which takes the block over instead of copying if it is large.
  static StringSource Of(memory::BlockRef* block);
  // Text as it is, never an integer.
  static StringSource Text(Bytes bytes);

  // Bytes that an entry stores for it inline; of no meaning for the other storages.
  size_t inline_size() const { return storage == Entry::Storage::kInline ? bytes.size() : 0; }
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_STRING_VALUE_H_
