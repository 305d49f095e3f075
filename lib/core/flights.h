// FlightTable: the running loads of one cache, for GetOrLoad.
//
// It prevents a fault of every cache that is filled from another source:
//
//     thread A   GetOrLoad("k"): a miss; its loader reads the source, which says 1
//     thread B   writes 2 to the source, then Set("k", 2) or Delete("k")
//     thread A   stores 1: from now on the cache has a value that the source no longer has
//
// The remedy is the lease (memcached's: Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013). A *flight* is one
// running loader. It is *attached* to its (database, key) from the hold of the executor that found the key missing
// until a change to the key *detaches* it. Only an attached flight may store, and "still attached?" and the store are
// one hold. A detached flight goes on: only the calls that *joined* it before get its value, which they could have had
// a moment ago. A GetOrLoad that begins later finds no flight and makes a new one. So a load that begins after a Delete
// has returned never brings a value that was read before the Delete.
//
//     miss ──► Join ──► attached ──► loader returns ──► store, Land
//                          │ change
//                          ▼
//                       detached ──► loader returns ──► Land
//
// What detaches. A flight listens to Effects, which come under the executor at the moment of the change:
//   - any effect on the key: it was written, renamed or moved or copied onto, by anybody, including the loader;
//   - an *absence*: the key was to be deleted, renamed or moved away, and was not there. That changes no key, but it is
//     just what the lease is for, since a key that is being loaded is missing. (COPY only reads the key that it
//     copies.)
//   - a flush of the database, or a swap of it with another: the caller has said that all that it held is out of date.
// "expired" and "evicted" do not detach: the key of an attached flight is missing, so these events are about an earlier
// value.
//
// Rings. A loader may call GetOrLoad for other keys, so threads can wait in a ring: the loader of a wants b, the loader
// of b wants a. Each waiting thread waits for one flight and each flight has one loader's thread, so the waits form a
// path. A thread that is about to wait follows it, and is refused if it leads back to itself. Detached flights are in
// it until they land. Only this cache's waits are seen: a ring through another cache, a lock or a joined thread is the
// program's own.
//
// Memory and cost. A flight and a wait are on their threads' stacks. Three hash tables of chains find flights by
// (database, key) and by database, and waits by thread. Adding to a chain cannot fail. With thousands of flights each
// change costs one hash and one short chain. Without flights it costs nothing, since the table does not listen then.
//
// Locks. `mutex_` guards chains and counts. It is taken with the executor held (Join, Detach, OnEffect) and without
// (Await, Land, Close), for some tens of nanoseconds; the executor is never taken under it. Waits are futexes, not
// condition variables: if a loader forks, the child ends a flight for which threads of the parent wait, and a condition
// variable's destructor would wait for them.
//
// Rejected: values in the table by shared_ptr (an allocation for each miss, which can fail when a flight has to land);
// one condition variable for all (each landing woke every waiter of every key); a version in each key (a missing key
// has no place for one); listening always (every write would pay for it).
//
// Threads: any, unless a comment says otherwise. In a forked child nothing here may be called: see Load.
#ifndef LARDER_CORE_FLIGHTS_H_
#define LARDER_CORE_FLIGHTS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>

#include "absl/status/status.h"
#include <larder/internal/flight.h>
#include <larder/internal/error_text.h>
#include "lib/base/hash.h"
#include "lib/base/holder.h"
#include "lib/executor/executor.h"
#include "lib/keyspace/effects.h"

namespace larder::inline v0::core {

// A hash table whose elements carry their links, so only its growth can fail, which makes the chains longer.
template <class T, internal::ChainLink<T> T::*kLink>
class Chains {
 public:
  Chains() = default;
  ~Chains() {
    if (slots_ != few_) delete[] slots_;
  }
  Chains(const Chains&) = delete;
  Chains& operator=(const Chains&) = delete;

  void Add(T& element, uint64_t hash);
  void Remove(T& element);
  // The first element, then the next ones, with that hash.
  T* First(uint64_t hash) const { return SameFrom(slots_[hash & mask_], hash); }
  static T* Next(const T& element) { return SameFrom((element.*kLink).next, (element.*kLink).hash); }
  template <class F>
  void ForEach(F&& fn) const {
    for (size_t i = 0; i <= mask_; ++i) {
      for (T* each = slots_[i]; each != nullptr; each = (each->*kLink).next) fn(*each);
    }
  }
  size_t size() const { return size_; }
  size_t slots() const { return mask_ + 1; }

 private:
  static constexpr size_t kFew = 16;
  static T* SameFrom(T* element, uint64_t hash) {
    while (element != nullptr && (element->*kLink).hash != hash) element = (element->*kLink).next;
    return element;
  }
  void Hang(T& element);
  void Grow();

  T* few_[kFew] = {};
  T** slots_ = few_;
  size_t mask_ = kFew - 1;
  size_t size_ = 0;
};

class FlightTable final : public keyspace::EffectListener {
 public:
  FlightTable() = default;

  // REQUIRES: it is called before any other.
  void Init(executor::Executor& executor, keyspace::Effects& effects, const base::HashSeed& seed) {
    executor_ = &executor;
    effects_ = &effects;
    seed_ = &seed;
  }

  // It follows a miss. Returns the flight that loads the key, which the caller must await and leave. Or returns
  // nullptr: then `own`, which has its key, database and loader, is attached and has to land, or *closed is true and it
  // is neither.
  internal::Flight* Join(internal::Flight& own, bool* closed) LARDER_REQUIRES_HOLDER;

  // See Load::Await. Leave follows.
  const internal::ErrorText* Await(internal::Flight& flight, internal::Wait& wait);
  void Leave(internal::Flight& flight);

  // Returns true, once, if the flight was attached.
  bool Detach(internal::Flight& flight) LARDER_REQUIRES_HOLDER;
  // Whether it looks attached; only Detach is sure.
  bool IsAttached(const internal::Flight& flight);

  // Ends a flight. Its result is `error` if set, else status and value. Returns when all calls that joined have left.
  void Land(internal::Flight& flight, const internal::ErrorText* error, const absl::Status* status,
            std::string_view value);

  // Wakes all waiting threads; they, and later callers, are told that the cache is closed. Running loaders go on.
  void Close();

  bool Forked() const { return executor_->Forked(); }

  void CountNotStored() { not_stored_.fetch_add(1, std::memory_order_relaxed); }
  uint64_t not_stored() const { return not_stored_.load(std::memory_order_relaxed); }

  // For tests: how many flights may still store, and how many threads wait.
  size_t attached() const { return attached_.load(std::memory_order_relaxed); }
  size_t waiting();

  void OnEffect(const keyspace::Effect& effect) override LARDER_REQUIRES_HOLDER;

  static uintptr_t ThisThread();

 private:
  uint64_t HashOf(int db, std::string_view key) const {
    return base::HashBytes(key, *seed_) + static_cast<uint64_t>(db) * 0x9e3779b97f4a7c15ull;
  }
  static uint64_t HashOfNumber(uint64_t number) {
    const uint64_t mixed = number * 0x9e3779b97f4a7c15ull;
    return mixed ^ mixed >> 32;
  }
  internal::Flight* FindLocked(int db, std::string_view key, uint64_t hash) const;
  void DetachLocked(internal::Flight& flight);
  void DetachDbLocked(int db);
  internal::Wait* WaitOfLocked(uintptr_t thread) const;
  bool LeadsToLocked(const internal::Flight& flight, uintptr_t thread) const;

  executor::Executor* executor_ = nullptr;
  keyspace::Effects* effects_ = nullptr;
  const base::HashSeed* seed_ = nullptr;
  bool listening_ LARDER_GUARDED_BY_HOLDER = false;

  std::mutex mutex_;
  Chains<internal::Flight, &internal::Flight::by_key_> by_key_;  // attached flights
  Chains<internal::Flight, &internal::Flight::by_db_> by_db_;    // attached flights too
  Chains<internal::Wait, &internal::Wait::by_thread_> waits_;
  bool closed_ = false;
  std::atomic<size_t> attached_{0};  // grows under the executor only
  std::atomic<uint64_t> not_stored_{0};
};

}  // namespace larder::inline v0::core

#endif  // LARDER_CORE_FLIGHTS_H_
