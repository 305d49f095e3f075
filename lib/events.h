// Events: every change of a key as a callback, with the reason and, if asked for, the value that was there before.
//
//   auto tell = [](const larder::Event& event) {
//     if (event.reason == larder::EventReason::kExpired) std::cout << event.key << " has expired\n";
//     if (event.reason == larder::EventReason::kEvicted) std::cout << event.key << " was evicted\n";
//     if (event.old_value != nullptr) std::cout << "it was " << event.old_value->string() << '\n';
//   };
//   absl::StatusOr<larder::EventSubscription> removals = cache.OnEvent(
//       larder::EventClass::kExpired | larder::EventClass::kEvicted, tell, {.old_values = true});
//   if (!removals.ok()) return removals.status();
//
// The events are Redis's keyspace notifications, by the same names and in the same order, whoever causes them: typed
// calls, commands of sessions and of clients, expiry and eviction. An operation may have up to three for a key: SET with
// an expiry is "set" and "expire"; an LPOP of the last element is "lpop" and "del". The directive notify-keyspace-events
// has no part in it. A key that nobody has asked for since it expired is told when it is removed.
//
// The callback runs after the change, never inside the call that has made it, on the thread that Options::background
// names, in the order of the changes. When it runs, the key may have changed again. What waits is bounded: see
// <larder/callbacks.h>.
//
// Costs: a change is copied for each listener that wants its class. Old values: up to 8 KB are copied; a longer string
// is pinned, which costs no copy, and keeps memory in use until the callback has returned. Of a collection the first
// elements are copied, up to 64 KB and at least 3 KB with what they are kept in, and if there are more the collection
// is pinned; what it shares with what is at the key now counts against bytes_max only if it leaves by that very change.
// While any listener wants old values, writes do not change values in place: a change of a large string copies it.
//
// Threads, errors: as cache.h says of every call.
#ifndef LARDER_EVENTS_H_
#define LARDER_EVENTS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <larder/cache.h>
#include <larder/callbacks.h>
#include <larder/collection_range.h>
#include <larder/export.h>
#include <larder/items.h>
#include <larder/stream.h>

namespace larder::inline v0 {

namespace typed {
class EventQueue;
}

// Sets of classes: combine them with |. Each says its letter in notify-keyspace-events.
enum class EventClass : uint32_t {
  kGeneric = 1u << 0,    // g: del, expire, persist, rename_from, rename_to, move_from, move_to, copy_to
  kString = 1u << 1,     // $
  kList = 1u << 2,       // l
  kSet = 1u << 3,        // s
  kHash = 1u << 4,       // h
  kSortedSet = 1u << 5,  // z
  kStream = 1u << 6,     // t
  kExpired = 1u << 7,    // x
  kEvicted = 1u << 8,    // e
  kNew = 1u << 9,        // n: "new", before the event that has made the key
  kMiss = 1u << 10,      // m: "keymiss": a read has not found the key
  kDatabase = 1u << 11,  // no letter: "flushdb" and "swapdb", of a whole database
  kChanges = 0xbff,      // all but kMiss
};
constexpr EventClass operator|(EventClass a, EventClass b) {
  return static_cast<EventClass>(static_cast<uint32_t>(a) | static_cast<uint32_t>(b));
}
constexpr bool Includes(EventClass classes, EventClass one) {
  return (static_cast<uint32_t>(classes) & static_cast<uint32_t>(one)) != 0;
}

enum class EventReason : uint8_t {
  kWritten,  // it was made, changed or overwritten, or its expiry was
  kDeleted,  // it is gone: by a command, by losing its last element, or to another name or database
  kExpired,
  kEvicted,  // by maxmemory-policy
  kFlushed,  // all keys of the database are gone
  kSwapped,  // two databases have changed places
  kMissed,   // nothing has changed
};

// A value that was there before. Valid during the callback.
class OldValue {
 public:
  KeyType type() const { return type_; }
  // A string's bytes; empty for other types.
  std::string_view string() const { return string_; }
  // The length of a string; the elements of a list, the members, fields or entries of the others.
  size_t size() const { return size_; }
  // The elements, for a range-based for, as Scan of the type's handle gives them: std::string of a list and a set,
  // Hash::Entry, ScoredMember, StreamEntry. The range's status() is FAILED_PRECONDITION if the value is no such thing.
  // In a callback that is running when another thread begins to close the cache it may end early, by CANCELLED.
  template <class Element>
  auto Elements() const;

 private:
  friend class typed::EventQueue;
  OldValue() = default;
  template <class Element>
  bool Holds() const {
    if (std::is_same_v<Element, std::string>) return type_ == KeyType::kList || type_ == KeyType::kSet;
    if (std::is_same_v<Element, ScoredMember>) return type_ == KeyType::kSortedSet;
    if (std::is_same_v<Element, StreamEntry>) return type_ == KeyType::kStream;
    return type_ == KeyType::kHash;
  }

  KeyType type_ = KeyType::kString;
  std::string_view string_;
  size_t size_ = 0;
  internal::Target target_{};
  const internal::CollectionPin* pin_ = nullptr;
  const internal::FetchedList* first_ = nullptr;  // the first elements
  size_t next_ = 0;                               // a stream's: how many these are
};

// What a callback is told. All views are valid during the callback.
struct Event {
  EventClass event_class = EventClass::kGeneric;  // one
  EventReason reason = EventReason::kWritten;
  int db = 0;
  int other_db = 0;            // the other one that was swapped
  std::string_view name = {};  // as Redis names it: "set", "del", "expired"...
  std::string_view key = {};   // empty for kDatabase
  // The value before the change, if there was one and EventOptions::old_values asks for it.
  const OldValue* old_value = nullptr;
};

struct EventOptions {
  bool old_values = false;
  std::string match = {};  // a glob, as in KEYS: only keys that it matches. Empty: all. kDatabase comes in any case.
  CallbackOptions callbacks = {};
};

// A listener to events, by Cache::OnEvent. It lasts as long as this object.
//
// Threads: one at a time, any; the callback may destroy it.
// Ownership: it must end before the cache does. In a forked child it is leaked.
class LARDER_API EventSubscription {
 public:
  // One that was moved from has no callback.
  EventSubscription(EventSubscription&& other) noexcept : queue_(std::exchange(other.queue_, nullptr)) {}
  EventSubscription& operator=(EventSubscription&& other) noexcept;
  // No callback begins after this, and events that wait are dropped. A callback that is running has returned, unless
  // this is called from inside a callback, View or Atomically, which must not wait for it. So a callback must not wait
  // for the thread that destroys its EventSubscription.
  ~EventSubscription();

  // With OnOverflow::kClose: its callbacks were slower than what happened, and nothing more comes.
  bool closed() const;
  // How many events were dropped; with kClose 1, since what comes later is not counted.
  uint64_t dropped() const;

 private:
  friend class Cache;
  explicit EventSubscription(typed::EventQueue* queue) : queue_(queue) {}

  typed::EventQueue* queue_;
};

// ---- Inline ---------------------------------------------------------------------------------------------------------

inline absl::StatusOr<EventSubscription> Cache::OnEvent(EventClass classes, std::function<void(const Event&)> callback) {
  return OnEvent(classes, std::move(callback), EventOptions());
}

template <class Element>
auto OldValue::Elements() const {
  if constexpr (std::is_same_v<Element, StreamEntry>) {
    internal::StreamWalk walk(target_, {.pin = pin_, .first = first_}, {.next = next_, .end = size_});
    if (!Holds<Element>()) walk.Fail(internal::StatusOf(internal::kOtherElements));
    return StreamRange(std::move(walk));
  } else {
    using Range = CollectionRange<Element>;
    internal::CollectionWalk<internal::kPartsOf<Element>> walk(target_, {.pin = pin_, .first = first_}, size_);
    if (!Holds<Element>()) walk.Fail(internal::StatusOf(internal::kOtherElements));
    return Range(std::move(walk));
  }
}

}  // namespace larder::inline v0

#endif  // LARDER_EVENTS_H_
