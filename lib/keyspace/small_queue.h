// SmallQueue: the keys of s3fifo's small queue in the order of their arrival, as 8-byte words.
//
//   word   63 ............. 16 | 15 .. 0
//           top of the hash      database
//
// A word is a hint: its key may have gone since, and may even have come back, so the evictor looks up the key of each
// word. Words are in chunks of 509, oldest first. Each chunk has the latest epoch at which one of its words came. A key
// younger than that has come back, and has a word of its own further on.
//
// The queue holds a tenth of the keys, so it costs 0.8 bytes a key, and only under s3fifo.
// Costs: O(1). Threads: the executor's holder.
#ifndef LARDER_KEYSPACE_SMALL_QUEUE_H_
#define LARDER_KEYSPACE_SMALL_QUEUE_H_

#include <cstddef>
#include <cstdint>

#include "lib/memory/arena.h"

namespace larder::inline v0::keyspace {

class SmallQueue {
 public:
  explicit SmallQueue(memory::Arena* arena) : arena_(arena) {}
  ~SmallQueue() { Clear(); }
  SmallQueue(const SmallQueue&) = delete;
  SmallQueue& operator=(const SmallQueue&) = delete;

  struct Word {
    uint64_t hash = 0;        // the low 16 bits are 0
    int db = 0;
    uint64_t epoch_max = 0;   // the key came at this epoch or before
  };

  // A word has no room for more databases; keys of the others start in main.
  static constexpr int kDbMax = (1 << 16) - 1;

  // `epoch` may be earlier than those before. Returns false if there is no memory, or `db` is over kDbMax.
  bool Push(int db, uint64_t hash, uint64_t epoch);
  // Returns false if the queue is empty.
  bool Pop(Word* word);
  void Clear();
  size_t size() const { return size_; }

 private:
  static constexpr uint32_t kWords = 509;
  struct Chunk {
    Chunk* next = nullptr;
    uint64_t epoch_max = 0;
    uint32_t begin = 0;
    uint32_t end = 0;
    uint64_t words[kWords];
  };
  static_assert(sizeof(Chunk) == 4096);

  void PopChunk();

  memory::Arena* arena_;
  Chunk* front_ = nullptr;
  Chunk* back_ = nullptr;
  size_t size_ = 0;
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_SMALL_QUEUE_H_
