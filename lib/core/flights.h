// FlightTable: the loads of one cache that are on their way. GetOrLoad stands on it.
//
// The fault that it keeps away is the one of every cache that is filled from somewhere else:
//
//     thread A   GetOrLoad("k"): a miss; its loader reads the source, which says 1
//     thread B   writes 2 to the source, then Set("k", 2) or Delete("k")
//     thread A   stores 1: from now on the cache says what the source has not said for a while
//
// The remedy is the lease (memcached's: Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013). A *flight* is one
// loader on its way. It is *attached* to its (database, key) from the hold of the executor in which the key was seen to
// be missing until a change to the key *detaches* it. Only an attached flight may store, and "still attached?" and the
// store are one hold. A detached flight goes on: those who *joined* it before get its value, since it is what they
// would have had a moment ago, and nobody else; a GetOrLoad that begins later finds no flight and makes a new one. So a
// load that begins after a Delete has returned never brings what was read before it.
//
//     miss ──► Join ──► attached ──► loader returns ──► store, Land
//                          │ change
//                          ▼
//                       detached ──► loader returns ──► Land
//
// What detaches. A flight listens to Effects, which come under the executor at the moment of the change:
//   - any effect on the key: it was written, renamed or moved or copied onto, by whomever, the loader included;
//   - an *absence*: the key was to be deleted, renamed or moved away, and was not there. That changes no key and is yet the
//     very thing that the lease is for, since a key that is being loaded is missing. (COPY only reads what it copies.)
//   - a flush of the database, and a swap of it with another: whatever it held, the caller has said that it is out of date.
// Not "expired" and "evicted": the key of an attached flight is missing, so these are about what was there before.
//
// Who waits for whom. A loader may call GetOrLoad for other keys, so threads can wait in a ring: the loader of a wants
// b, the loader of b wants a. Each waiting thread waits for one flight and each flight has one loader's thread, so the
// graph is a path; whoever is about to wait walks it, and is refused if it leads back. Detached flights are in it until
// they land. Only this cache's waits are seen: a ring through another cache, a lock or a joined thread is the program's
// own.
//
// Where things are. A flight and a wait stand on their threads' stacks; three hash tables of chains find flights by
// (database, key) and by database, and waits by thread. Adding to a chain cannot fail. Thousands of flights cost each
// change one hash and one short chain; no flights cost nothing, since the table then does not listen.
//
// Locks. `mutex_` guards chains and counts. It is taken with the executor held (Join, Detach, OnEffect) and without
// (Await, Land, Close), never the other way round, for some tens of nanoseconds. Waits are futexes, not condition
// variables: a loader that forks ends, in the child, a flight that others wait for in the parent, and a condition
// variable's destructor would wait for them.
//
// Rejected: values held by a shared_ptr in the table (an allocation a miss, and one that can fail when a flight has to
// land); one condition variable for all (a landing woke every waiter of every key); a version in each database's keys
// (a key that is missing has no place for one); to keep the listener always (every write would pay for it).
//
// Threads: any, where nothing else is said. In a forked child nothing here may be called: see Load.
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

// A hash table whose elements carry their links, so that only its growth can fail; then the chains are longer.
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

  // Before any other call.
  void Init(executor::Executor& executor, keyspace::Effects& effects, const base::HashSeed& seed) {
    executor_ = &executor;
    effects_ = &effects;
    seed_ = &seed;
  }

  // After the key was found to be missing. Either the flight that loads it, to be awaited and left; or
  // nullptr, and `own`, which knows its key, database and loader, is attached and has to land. *closed: neither.
  internal::Flight* Join(internal::Flight& own, bool* closed) LARDER_REQUIRES_HOLDER;

  // See Load::Await. Leave follows.
  const internal::ErrorText* Await(internal::Flight& flight, internal::Wait& wait);
  void Leave(internal::Flight& flight);

  // True, once, if the flight is attached.
  bool Detach(internal::Flight& flight) LARDER_REQUIRES_HOLDER;
  // A glance; only Detach decides.
  bool IsAttached(const internal::Flight& flight);

  // Ends a flight: its result is `refusal` if set, else status and value. Returns when all who joined have left.
  void Land(internal::Flight& flight, const internal::ErrorText* error, const absl::Status* status,
            std::string_view value);

  // Wakes all who wait; they, and later callers, are told that the cache is closed. Loaders that run are let run.
  void Close();

  bool Forked() const { return executor_->Forked(); }

  void CountNotStored() { not_stored_.fetch_add(1, std::memory_order_relaxed); }
  uint64_t not_stored() const { return not_stored_.load(std::memory_order_relaxed); }

  // How many flights may still store, and how many threads wait; for tests.
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
  Chains<internal::Flight, &internal::Flight::by_key_> by_key_;  // attached ones
  Chains<internal::Flight, &internal::Flight::by_db_> by_db_;    // the same
  Chains<internal::Wait, &internal::Wait::by_thread_> waits_;
  bool closed_ = false;
  std::atomic<size_t> attached_{0};  // grows under the executor only
  std::atomic<uint64_t> not_stored_{0};
};

}  // namespace larder::inline v0::core

#endif  // LARDER_CORE_FLIGHTS_H_
