#include "lib/core/flights.h"

#include <pthread.h>

#include <new>

#include "lib/base/check.h"
#include "lib/base/error_texts.h"
#include "lib/executor/futex.h"

namespace larder::inline v0::core {

using internal::Flight;
using internal::ErrorText;
using internal::Wait;

namespace {

constexpr ErrorText kClosed{absl::StatusCode::kCancelled, base::kCacheIsClosed};
constexpr ErrorText kRing{absl::StatusCode::kFailedPrecondition,
                        "GetOrLoad would wait for itself: the loader of the key waits, itself or through others, for a "
                        "loader that this call was made from"};
constexpr ErrorText kLoaderThrew{absl::StatusCode::kAborted, "the loader threw an exception"};

}  // namespace

// ---- Chains ---------------------------------------------------------------------------------------------------------

template <class T, internal::ChainLink<T> T::*kLink>
void Chains<T, kLink>::Hang(T& element) {
  internal::ChainLink<T>& link = element.*kLink;
  link.slot = &slots_[link.hash & mask_];
  link.next = *link.slot;
  if (link.next != nullptr) (link.next->*kLink).slot = &link.next;
  *link.slot = &element;
}

template <class T, internal::ChainLink<T> T::*kLink>
void Chains<T, kLink>::Add(T& element, uint64_t hash) {
  if (size_ > mask_) Grow();
  (element.*kLink).hash = hash;
  Hang(element);
  ++size_;
}

template <class T, internal::ChainLink<T> T::*kLink>
void Chains<T, kLink>::Remove(T& element) {
  internal::ChainLink<T>& link = element.*kLink;
  LARDER_DCHECK(link.slot != nullptr && *link.slot == &element);
  *link.slot = link.next;
  if (link.next != nullptr) (link.next->*kLink).slot = link.slot;
  link = {};
  --size_;
}

template <class T, internal::ChainLink<T> T::*kLink>
void Chains<T, kLink>::Grow() {
  const size_t count = 2 * slots();
  T** const more = new (std::nothrow) T*[count]();
  if (more == nullptr) return;
  T** const old = slots_;
  const size_t old_count = slots();
  slots_ = more;
  mask_ = count - 1;
  for (size_t i = 0; i < old_count; ++i) {
    for (T* each = old[i]; each != nullptr;) {
      T* const next = (each->*kLink).next;
      Hang(*each);
      each = next;
    }
  }
  if (old != few_) delete[] old;
}

// ---- Flights --------------------------------------------------------------------------------------------------------

uintptr_t FlightTable::ThisThread() { return static_cast<uintptr_t>(pthread_self()); }

Flight* FlightTable::FindLocked(int db, std::string_view key, uint64_t hash) const {
  Flight* flight = by_key_.First(hash);
  while (flight != nullptr && (flight->db_ != db || flight->key_ != key)) flight = by_key_.Next(*flight);
  return flight;
}

Flight* FlightTable::Join(Flight& own, bool* closed) {
  const uint64_t hash = HashOf(own.db_, own.key_);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    *closed = closed_;
    if (closed_) return nullptr;
    if (Flight* const other = FindLocked(own.db_, own.key_, hash); other != nullptr) {
      ++other->joined_;
      return other;
    }
    by_key_.Add(own, hash);
    by_db_.Add(own, HashOfNumber(static_cast<uint64_t>(own.db_)));
    own.attached_ = true;
    attached_.fetch_add(1, std::memory_order_relaxed);
  }
  if (!listening_) {
    listening_ = true;
    effects_->Add(this, keyspace::Effects::kEvents | keyspace::Effects::kAbsences);
  }
  return nullptr;
}

void FlightTable::DetachLocked(Flight& flight) {
  LARDER_DCHECK(flight.attached_);
  flight.attached_ = false;
  by_key_.Remove(flight);
  by_db_.Remove(flight);
  attached_.fetch_sub(1, std::memory_order_relaxed);
}

void FlightTable::DetachDbLocked(int db) {
  Flight* flight = by_db_.First(HashOfNumber(static_cast<uint64_t>(db)));
  while (flight != nullptr) {
    Flight* const next = by_db_.Next(*flight);
    if (flight->db_ == db) DetachLocked(*flight);
    flight = next;
  }
}

bool FlightTable::Detach(Flight& flight) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!flight.attached_) return false;
  DetachLocked(flight);
  return true;
}

bool FlightTable::IsAttached(const Flight& flight) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return flight.attached_;
}

void FlightTable::OnEffect(const keyspace::Effect& effect) {
  using Kind = keyspace::Effect::Kind;
  if (attached_.load(std::memory_order_relaxed) == 0) {
    effects_->Remove(this);
    listening_ = false;
    return;
  }
  if (effect.kind == Kind::kKey || effect.kind == Kind::kAbsent) {
    if (effect.event_class == keyspace::EventClass::kExpired || effect.event_class == keyspace::EventClass::kEvicted) {
      return;
    }
    const uint64_t hash = HashOf(effect.db, effect.key);
    const std::lock_guard<std::mutex> lock(mutex_);
    if (Flight* const flight = FindLocked(effect.db, effect.key, hash); flight != nullptr) DetachLocked(*flight);
    return;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  DetachDbLocked(effect.db);
  if (effect.kind == Kind::kSwap) DetachDbLocked(effect.other_db);
}

void FlightTable::Land(Flight& flight, const ErrorText* error, const absl::Status* status, std::string_view value) {
  uint32_t joined = 0;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (flight.attached_) DetachLocked(flight);
    flight.error_ = error != nullptr || status != nullptr ? error : &kLoaderThrew;
    flight.status_ = status;
    flight.value_ = value;
    joined = flight.joined_;
    flight.state_.fetch_or(Flight::kLanded, std::memory_order_release);
  }
  if (joined == 0) return;
  executor::FutexWakeAll(&flight.state_);
  for (uint32_t left; (left = flight.left_.load(std::memory_order_acquire)) != joined;) {
    executor::FutexWait(flight.left_, left);
  }
}

// ---- Waits ----------------------------------------------------------------------------------------------------------

Wait* FlightTable::WaitOfLocked(uintptr_t thread) const {
  Wait* wait = waits_.First(HashOfNumber(thread));
  while (wait != nullptr && wait->thread_ != thread) wait = waits_.Next(*wait);
  return wait;
}

// The loop ends: since no wait may close a ring, no thread comes twice in the path.
bool FlightTable::LeadsToLocked(const Flight& flight, uintptr_t thread) const {
  const Flight* each = &flight;
  while (each->loader_ != thread) {
    const Wait* const wait = WaitOfLocked(each->loader_);
    if (wait == nullptr) return false;
    each = wait->flight_;
  }
  return true;
}

const ErrorText* FlightTable::Await(Flight& flight, Wait& wait) {
  wait.thread_ = ThisThread();
  wait.flight_ = &flight;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (closed_) return &kClosed;
    if (LeadsToLocked(flight, wait.thread_)) return &kRing;
    waits_.Add(wait, HashOfNumber(wait.thread_));
  }
  uint32_t state;
  while ((state = flight.state_.load(std::memory_order_acquire)) == 0) executor::FutexWait(flight.state_, 0);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    waits_.Remove(wait);
  }
  return (state & Flight::kLanded) != 0 ? flight.error_ : &kClosed;
}

void FlightTable::Leave(Flight& flight) {
  std::atomic<uint32_t>* const left = &flight.left_;
  left->fetch_add(1, std::memory_order_release);
  executor::FutexWakeAll(left);  // the flight may be gone by now
}

void FlightTable::Close() {
  const std::lock_guard<std::mutex> lock(mutex_);
  closed_ = true;
  waits_.ForEach([](Wait& wait) {
    wait.flight_->state_.fetch_or(Flight::kCancelled, std::memory_order_release);
    executor::FutexWakeAll(&wait.flight_->state_);
  });
}

size_t FlightTable::waiting() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return waits_.size();
}

}  // namespace larder::inline v0::core

// ---- Load -----------------------------------------------------------------------------------------------------------

namespace larder::inline v0::internal {

void Load::Prepare(int db, std::string_view key) {
  own_.db_ = db;
  own_.key_ = key;
  own_.loader_ = core::FlightTable::ThisThread();
}

const ErrorText* Load::Join(core::FlightTable& table) {
  base::AssertHolder();
  bool closed = false;
  joined_ = table.Join(own_, &closed);
  if (closed) return &core::kClosed;
  table_ = &table;
  return nullptr;
}

const ErrorText* Load::Await() { return table_->Await(*joined_, wait_); }

bool Load::attached() const { return table_ != nullptr && !table_->Forked() && table_->IsAttached(own_); }

bool Load::Detach() {
  base::AssertHolder();
  return table_->Detach(own_);
}

void Load::CountNotStored() { table_->CountNotStored(); }

void Load::Finish(const absl::Status& status, std::string_view value) {
  // In a forked child the waiting threads are in another process, and the mutex may have been held at the fork.
  if (!table_->Forked()) table_->Land(own_, nullptr, &status, value);
  table_ = nullptr;
}

void Load::Finish(const ErrorText& error) {
  if (!table_->Forked()) table_->Land(own_, &error, nullptr, {});
  table_ = nullptr;
}

void Load::End() {
  if (table_->Forked()) return;
  if (joined_ != nullptr) table_->Leave(*joined_);
  else table_->Land(own_, nullptr, nullptr, {});
}

}  // namespace larder::inline v0::internal
