#include "lib/keyspace/small_queue.h"

#include <algorithm>
#include <new>

#include "lib/base/check.h"

namespace larder::inline v0::keyspace {

bool SmallQueue::Push(int db, uint64_t hash, uint64_t epoch) {
  LARDER_DCHECK(db >= 0);
  if (db > kDbMax) return false;
  if (back_ == nullptr || back_->end == kWords) {
    void* memory = arena_->Allocate(sizeof(Chunk));
    if (memory == nullptr) return false;
    Chunk* chunk = new (memory) Chunk;
    (back_ == nullptr ? front_ : back_->next) = chunk;
    back_ = chunk;
  }
  back_->words[back_->end++] = (hash >> 16 << 16) | static_cast<uint64_t>(db);
  back_->epoch_max = std::max(back_->epoch_max, epoch);
  ++size_;
  return true;
}

bool SmallQueue::Pop(Word* word) {
  if (size_ == 0) return false;
  LARDER_DCHECK(front_ != nullptr);
  Chunk& chunk = *front_;
  LARDER_DCHECK(chunk.begin < chunk.end);
  const uint64_t bits = chunk.words[chunk.begin++];
  *word = {bits >> 16 << 16, static_cast<int>(bits & 0xffff), chunk.epoch_max};
  --size_;
  if (chunk.begin == chunk.end) PopChunk();
  return true;
}

void SmallQueue::PopChunk() {
  Chunk* chunk = front_;
  LARDER_DCHECK(chunk != nullptr && (chunk == back_) == (chunk->next == nullptr));
  front_ = chunk->next;
  if (front_ == nullptr) back_ = nullptr;
  arena_->Free(chunk, sizeof(Chunk));
}

void SmallQueue::Clear() {
  while (front_ != nullptr) PopChunk();
  size_ = 0;
}

}  // namespace larder::inline v0::keyspace
