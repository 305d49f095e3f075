#include "net/ae/time_events.h"

#include <algorithm>

#include "absl/status/status.h"
#include "lib/base/check.h"
#include "lib/base/status.h"

namespace larder::inline v0::ae {
namespace {

constexpr uint32_t kSlotsMax = uint32_t{1} << 30;
constexpr uint32_t kGenerationMax = 0x7fffffff;  // keeps ids positive

}  // namespace

absl::StatusOr<int64_t> TimeEvents::Create(int64_t due_us, TimeProc proc, void* data, TimeFinalizer finalizer) {
  LARDER_DCHECK(proc != nullptr);
  if (free_ == 0) {
    if (slots_used_ == slots_.size()) {
      const size_t size = std::max<size_t>(8, slots_.size() * 2);
      if (size > kSlotsMax || !heap_.Grow(size) || !positions_.Grow(size) || !slots_.Grow(size)) {
        return base::NoMemory("out of memory for a time event");
      }
    }
    slots_[slots_used_].generation = 1;
    free_ = ++slots_used_;
  }
  const uint32_t index = free_ - 1;
  Slot& slot = slots_[index];
  LARDER_DCHECK(slot.state == State::kFree);
  free_ = positions_[index];
  if (free_ != 0) __builtin_prefetch(&slots_[free_ - 1]);  // timers are often made by the thousand
  slot.proc = proc;
  slot.finalizer = finalizer;
  slot.data = data;
  slot.state = State::kArmed;
  Push(due_us, index);
  return IdOf(index, slot.generation);
}

bool TimeEvents::Delete(EventLoop& loop, int64_t id) {
  Slot* slot = Find(id);
  if (slot == nullptr) return false;
  if (slot->state == State::kRunning) {
    slot->state = State::kDoomed;
    return true;
  }
  RemoveAt(positions_[static_cast<uint32_t>(id)]);
  Release(loop, static_cast<uint32_t>(id));
  return true;
}

int TimeEvents::RunDue(EventLoop& loop, Clock& clock) {
  if (heap_size_ == 0) return 0;
  const int64_t now_us = clock.NowUs();
  // Events that procedures create from here on wait for the next round. Without that a procedure that returns 0 would
  // run for ever.
  Round round{next_order_, rounds_};
  rounds_ = &round;
  round_us_ = now_us;
  int count = 0;
  // No new event is due before now, and those due now go by age: behind a new one there are only new ones.
  while (heap_size_ > 0 && heap_[0].due_us <= now_us && heap_[0].order < round.first_new) {
    const uint32_t index = heap_[0].slot;
    RemoveAt(0);
    if (heap_size_ > 0) __builtin_prefetch(&slots_[heap_[0].slot]);
    slots_[index].state = State::kRunning;
    const int64_t id = IdOf(index, slots_[index].generation);
    const int64_t delay_ms = slots_[index].proc(loop, id, slots_[index].data);
    ++count;
    // The procedure may have moved the arrays.
    Slot& slot = slots_[index];
    if (slot.state == State::kDoomed || delay_ms == kNoMore) {
      Release(loop, index);
    } else {
      slot.state = State::kArmed;
      Push(clock.NowUs() + std::max<int64_t>(delay_ms, 0) * 1000, index);
    }
  }
  rounds_ = round.outer;
  return count;
}

void TimeEvents::Clear(EventLoop& loop) {
  while (heap_size_ > 0) {
    const uint32_t index = heap_[0].slot;
    RemoveAt(0);
    Release(loop, index);
  }
}

TimeEvents::Slot* TimeEvents::Find(int64_t id) {
  const uint32_t index = static_cast<uint32_t>(id);
  if (id <= 0 || index >= slots_used_) return nullptr;
  Slot& slot = slots_[index];
  const bool live = slot.state == State::kArmed || slot.state == State::kRunning;
  return live && slot.generation == static_cast<uint32_t>(id >> 32) ? &slot : nullptr;
}

// The slot is freed first: the finalizer may create or delete events itself.
void TimeEvents::Release(EventLoop& loop, uint32_t index) {
  Slot& slot = slots_[index];
  const TimeFinalizer finalizer = slot.finalizer;
  void* const data = slot.data;
  slot.state = State::kFree;
  slot.generation = slot.generation == kGenerationMax ? 1 : slot.generation + 1;
  positions_[index] = free_;
  free_ = index + 1;
  if (finalizer != nullptr) finalizer(loop, data);
}

void TimeEvents::Push(int64_t due_us, uint32_t slot) {
  LARDER_DCHECK(heap_size_ < heap_.size());
  if (next_order_ == UINT32_MAX) Renumber();
  SiftUp(heap_size_++, Due{std::max(due_us, round_us_), next_order_++, slot});
}

// The order by age stays the same. Sorting takes no memory, and a sorted array is a heap.
void TimeEvents::Renumber() {
  Due* const end = heap_.data() + heap_size_;
  std::sort(heap_.data(), end, [](const Due& a, const Due& b) { return a.order < b.order; });
  for (Round* round = rounds_; round != nullptr; round = round->outer) {
    const Due* const first_new = std::partition_point(
        heap_.data(), end, [&](const Due& due) { return due.order < round->first_new; });
    round->first_new = static_cast<uint32_t>(first_new - heap_.data());
  }
  for (uint32_t i = 0; i < heap_size_; ++i) heap_[i].order = i;
  std::sort(heap_.data(), end, Before);
  for (uint32_t i = 0; i < heap_size_; ++i) positions_[heap_[i].slot] = i;
  next_order_ = heap_size_;
}

void TimeEvents::RemoveAt(uint32_t position) {
  LARDER_DCHECK(position < heap_size_);
  const Due last = heap_[--heap_size_];
  if (position == heap_size_) return;
  if (position > 0 && Before(last, heap_[(position - 1) / 4])) {
    SiftUp(position, last);
  } else {
    SiftDown(position, last);
  }
}

void TimeEvents::Place(uint32_t position, const Due& due) {
  heap_[position] = due;
  positions_[due.slot] = position;
}

void TimeEvents::SiftUp(uint32_t position, Due due) {
  while (position > 0) {
    const uint32_t parent = (position - 1) / 4;
    if (!Before(due, heap_[parent])) break;
    Place(position, heap_[parent]);
    position = parent;
  }
  Place(position, due);
}

// Goes down to a leaf by the least child each time, then up: the element put in came from the end and belongs near it.
// The least child is known late, so the children of all four are prefetched. Those cache misses are most of the cost
// with 100,000 events.
void TimeEvents::SiftDown(uint32_t position, Due due) {
  const uint32_t size = heap_size_;
  Due* const heap = heap_.data();
  uint32_t* const positions = positions_.data();
  const uint32_t top = position;
  for (;;) {
    const uint32_t first = 4 * position + 1;
    if (first >= size) break;
    uint32_t least = first;
    if (first + 4 <= size) {
      const Due* const next = heap + (4 * first + 1);
      __builtin_prefetch(next);
      __builtin_prefetch(next + 4);
      __builtin_prefetch(next + 8);
      __builtin_prefetch(next + 12);
      const uint32_t left = Before(heap[first + 1], heap[first]) ? first + 1 : first;
      const uint32_t right = Before(heap[first + 3], heap[first + 2]) ? first + 3 : first + 2;
      least = Before(heap[right], heap[left]) ? right : left;
    } else {
      for (uint32_t child = first + 1; child < size; ++child) {
        if (Before(heap[child], heap[least])) least = child;
      }
    }
    heap[position] = heap[least];
    positions[heap[least].slot] = position;
    position = least;
  }
  while (position > top) {
    const uint32_t parent = (position - 1) / 4;
    if (!Before(due, heap[parent])) break;
    heap[position] = heap[parent];
    positions[heap[parent].slot] = position;
    position = parent;
  }
  Place(position, due);
}

}  // namespace larder::inline v0::ae
