// Strings as values: the form that a string will have, before there is an entry for it. string_value.cc has Db's part.
//
// A string value is stored as a 64-bit integer if its text is exactly that integer's, inside its entry up to
// memory::kInlineValueMax bytes, and otherwise in a memory::Block. The encoding is a label that the op chooses, see
// lib/ops/strings.cc.
//
// Threads: Db's part is for the executor's holder; any thread may make a StringSource.
#ifndef LARDER_KEYSPACE_STRING_VALUE_H_
#define LARDER_KEYSPACE_STRING_VALUE_H_

#include <cstddef>
#include <cstdint>

#include "lib/base/bytes.h"
#include "lib/keyspace/entry.h"
#include "lib/memory/block.h"

namespace larder::inline v0::keyspace {

// A string to be stored. It refers to bytes and owns nothing.
struct StringSource {
  Entry::Storage storage;
  Encoding encoding;
  int64_t integer = 0;                 // kInteger
  Bytes bytes;                         // otherwise
  memory::BlockRef* block = nullptr;   // kBlock, optional: a block that holds exactly `bytes`, taken over on success
  Type type = Type::kString;           // another type: the packed form of a collection

  // Text as SET stores it: an integer's exact text as an integer, short text as "embstr", the rest as "raw".
  static StringSource Of(Bytes bytes);
  static StringSource Of(int64_t integer) { return {Entry::Storage::kInteger, Encoding::kInt, integer, {}, nullptr}; }
  // The same as Of(block->view()), but a large block is taken over, not copied.
  static StringSource Of(memory::BlockRef* block);
  // Text as it is, never an integer.
  static StringSource Text(Bytes bytes);

  // The bytes that an entry stores for it inline; without meaning for other storages.
  size_t inline_size() const { return storage == Entry::Storage::kInline ? bytes.size() : 0; }
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_STRING_VALUE_H_
