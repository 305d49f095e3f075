// Larder: an in-process cache with Redis's data model and commands.
//
//   absl::StatusOr<std::unique_ptr<larder::Cache>> opened = larder::Cache::Open({});
//   if (!opened.ok()) return opened.status();
//   larder::Cache& cache = **opened;
//   absl::StatusOr<bool> set = cache.Set("user:1", "Ada", {.ttl = absl::Minutes(5)});
//   absl::StatusOr<std::optional<std::string>> name = cache.Get("user:1");
//   if (name.ok() && name->has_value()) std::cout << **name << '\n';
//   absl::StatusOr<larder::Reply> reply = cache.Execute({"GETRANGE", "user:1", "0", "1"});
//   if (reply.ok() && !reply->is_error()) std::cout << reply->string_view() << '\n';
//   return set.status();
//
// It is not for data that must survive the process, or that is larger than memory.
//
// Threads:   any thread may call any method. Calls run one at a time, in one order that all threads agree on; a call
//            returns once it has run. A call costs nanoseconds when the cache is free. When it is busy, the caller
//            waits for its turn: it spins for a microsecond or two and then sleeps.
// Ownership: arguments are only read during the call. Results own their bytes.
// Errors:    a non-OK Status other than DATA_LOSS means that nothing was changed:
//              FAILED_PRECONDITION  another type is at the key; or the call came from inside View or Atomically, where
//                                   the Transaction must be used; or from a fork of the process
//              INVALID_ARGUMENT     an argument, or what is at the key, cannot be used so: the message says why
//              OUT_OF_RANGE         a number would overflow, a string would be longer than proto_max_bulk_len
//              RESOURCE_EXHAUSTED   no memory, or none within maxmemory (see Options)
//              DATA_LOSS            it was done, but there is no memory for the old value or the long reply that it has
//              CANCELLED            the cache is closed
//            Each has a message for people, which quotes neither keys nor values. The message is missing only if there
//            is no memory for it.
// Fork:      in a forked child every call is FAILED_PRECONDITION, Close too. Objects that are destroyed there are
//            leaked and end nothing of the parent's. A child that lives on must see to its Listener: the listener's
//            header tells how.
// Units:     sizes in bytes; absl::Duration and absl::Time for time, kept to 1 ms. A ttl is rounded up, so any ttl
//            above 0 is at least 1 ms; a point in time is rounded down. A key without an expiry has the ttl
//            absl::InfiniteDuration(), in and out, and expires at absl::InfiniteFuture(). An expiry is after 1970: if
//            the clock is so wrong that a ttl would end before it, the call is FAILED_PRECONDITION, and GetOrLoad does
//            not store the loaded value.
// User code: View's and Atomically's functions run on the caller's thread, inside the cache's order: others wait
//            meanwhile, so keep them short. A loader runs outside of that order. Callbacks (of ExecuteAsync, Subscribe
//            and OnEvent) run on the thread that Options::background names (in Close, on the closing thread), one at a
//            time; those of ExecuteAsync, of one Subscription and of one listener to events each in the order in which
//            things happened. A callback may make any call of this class except Close and Tick, which refuse
//            it. Exceptions of user code come out of the call that ran it; callbacks must not throw.
#ifndef LARDER_CACHE_H_
#define LARDER_CACHE_H_

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include <larder/export.h>
#include <larder/internal/fetched.h>
#include <larder/internal/flight.h>
#include <larder/internal/key_ops.h>
#include <larder/internal/error_text.h>
#include <larder/internal/range_iterator.h>
#include <larder/internal/results.h>
#include <larder/internal/string_ops.h>
#include <larder/internal/typed.h>
#include <larder/internal/user_code.h>
#include <larder/internal/views.h>
#include <larder/internal/visit.h>
#include <larder/options.h>
#include <larder/reply.h>
#include <larder/session.h>
#include <larder/stats.h>

namespace larder::inline v0 {

class Database;
class Transaction;

namespace internal {
// The database that a handle refers to, and back. Handles of other headers are made from it.
const Target& TargetOf(const Database& database);
Database DatabaseOf(const Target& target);
}

// How Set writes the value.
struct SetOptions {
  enum class If : uint8_t {
    kAlways,
    kMissing,  // NX
    kPresent,  // XX
  };
  absl::Duration ttl = absl::InfiniteDuration();    // EX, PX: more than 0
  absl::Time expire_at = absl::InfiniteFuture();    // EXAT, PXAT: if it has passed, the key is gone. Not with ttl.
  bool keep_ttl = false;                            // KEEPTTL: the key's expiry stays; not with the two above
  If condition = If::kAlways;
};

// The keys that Scan visits.
struct ScanOptions {
  std::string_view match = {};  // a glob as in SCAN MATCH; empty: all
  size_t batch = 64;            // keys fetched at a time: more is faster, but makes others wait longer
};

// Keys, fetched a batch at a time, for a range-based for:
//
//   larder::ScanRange keys = cache.Scan({.match = "user:*"});
//   for (const std::string& key : keys) std::cout << key << '\n';
//   if (!keys.status().ok()) return keys.status();
//
// A key that exists from beginning to end is seen exactly once. A key that comes or goes meanwhile may be seen.
class ScanRange;

// The same with types, values and expiries: see items.h.
class ItemRange;
struct ItemOptions;

// Messages of channels: see pubsub.h.
class Subscription;
struct CallbackOptions;
struct Channels;
struct Message;

// Changes of keys: see events.h.
class EventSubscription;
enum class EventClass : uint32_t;
struct Event;
struct EventOptions;

// One of the cache's numbered databases, with all typed calls. It is a handle: cheap to copy, valid as long as the
// cache.
//
// Several keys, or a command's words, are given as {"a", "b"}, as a vector or span of std::string_view, or as one of
// std::string.
class LARDER_API Database {
  using Keys = std::span<const std::string_view>;
  using SeveralKeys = std::initializer_list<std::string_view>;

 public:
  Database(const Database&) = default;
  Database& operator=(const Database&) = default;
  // A Transaction cannot become a Database: its calls are for its function only.
  Database(const Transaction&) = delete;
  Database& operator=(const Transaction&) = delete;

  // --- Strings ---

  // GET: the string at `key`, or nullopt.
  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const;
  // The same into the caller's string, whose memory is reused. Returns false, and leaves `value` as it is, if there is
  // no key.
  absl::StatusOr<bool> Get(std::string_view key, std::string* value) const;
  // The same in place, without a copy: fn(std::optional<std::string_view>) sees the bytes while nobody can change them.
  // From inside fn every call of this cache is FAILED_PRECONDITION, also a read, and also a Transaction's.
  template <class F>
  absl::Status View(std::string_view key, F&& fn) const;

  // SET: whether the value was set, which the condition decides.
  absl::StatusOr<bool> Set(std::string_view key, std::string_view value, const SetOptions& options = {}) const;
  // SET GET: the old string, whether or not the condition allowed to replace it.
  absl::StatusOr<std::optional<std::string>> SetAndGet(std::string_view key, std::string_view value,
                                                       const SetOptions& options = {}) const;

  // MGET, MSET. A key that holds another type reads as missing, as in Redis. MSet writes all or none.
  absl::StatusOr<std::vector<std::optional<std::string>>> MGet(std::span<const std::string_view> keys) const;
  absl::StatusOr<std::vector<std::optional<std::string>>> MGet(std::initializer_list<std::string_view> keys) const {
    return MGet(Keys(keys.begin(), keys.size()));
  }
  absl::StatusOr<std::vector<std::optional<std::string>>> MGet(std::span<const std::string> keys) const;
  // The same into the caller's vector, whose strings' memory is reused. Its content is unspecified after an error.
  absl::Status MGet(std::span<const std::string_view> keys, std::vector<std::optional<std::string>>* values) const;
  absl::Status MGet(std::initializer_list<std::string_view> keys,
                    std::vector<std::optional<std::string>>* values) const {
    return MGet(Keys(keys.begin(), keys.size()), values);
  }
  absl::Status MGet(std::span<const std::string> keys, std::vector<std::optional<std::string>>* values) const;
  absl::Status MSet(std::span<const std::pair<std::string_view, std::string_view>> pairs) const;
  absl::Status MSet(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs) const {
    return MSet(std::span<const std::pair<std::string_view, std::string_view>>(pairs.begin(), pairs.size()));
  }
  absl::Status MSet(std::span<const std::pair<std::string, std::string>> pairs) const;

  // INCRBY, INCRBYFLOAT: the new value. A missing key counts as 0. INVALID_ARGUMENT if the string is no number;
  // OUT_OF_RANGE if an int64_t, or a double, cannot hold the sum: the key stays as it was.
  absl::StatusOr<int64_t> Increment(std::string_view key, int64_t by = 1) const;
  absl::StatusOr<double> IncrementFloat(std::string_view key, double by) const;

  // APPEND, SETRANGE: the new length.
  absl::StatusOr<int64_t> Append(std::string_view key, std::string_view suffix) const;
  absl::StatusOr<int64_t> SetRange(std::string_view key, int64_t offset, std::string_view bytes) const;
  // GETRANGE: the bytes first..last, both included; negative positions count from the end.
  absl::StatusOr<std::string> GetRange(std::string_view key, int64_t first, int64_t last) const;

  // --- Keys ---

  // DEL: whether there was such a key; how many there were.
  absl::StatusOr<bool> Delete(std::string_view key) const;
  absl::StatusOr<int64_t> Delete(std::span<const std::string_view> keys) const;
  absl::StatusOr<int64_t> Delete(std::initializer_list<std::string_view> keys) const {
    return Delete(Keys(keys.begin(), keys.size()));
  }
  absl::StatusOr<int64_t> Delete(std::span<const std::string> keys) const;
  // EXISTS: the same without deleting. A key named twice counts twice. The call does not mark the key as used.
  absl::StatusOr<bool> Exists(std::string_view key) const;
  absl::StatusOr<int64_t> Exists(std::span<const std::string_view> keys) const;
  absl::StatusOr<int64_t> Exists(std::initializer_list<std::string_view> keys) const {
    return Exists(Keys(keys.begin(), keys.size()));
  }
  absl::StatusOr<int64_t> Exists(std::span<const std::string> keys) const;

  // PEXPIRE, PEXPIREAT: false if there is no such key. A ttl of 0 or below, or a time that has passed, deletes the key;
  // with absl::InfiniteDuration() or InfiniteFuture() it has no expiry from now on.
  absl::StatusOr<bool> Expire(std::string_view key, absl::Duration ttl) const;
  absl::StatusOr<bool> ExpireAt(std::string_view key, absl::Time when) const;
  // PERSIST: whether there was an expiry to remove.
  absl::StatusOr<bool> Persist(std::string_view key) const;
  // PTTL: nullopt without a key, absl::InfiniteDuration() without an expiry.
  absl::StatusOr<std::optional<absl::Duration>> Ttl(std::string_view key) const;

  ScanRange Scan(const ScanOptions& options = {}) const;
  // Declared here, and defined in <larder/items.h>.
  ItemRange Items(const ItemOptions& options) const;
  ItemRange Items() const;
  // DBSIZE.
  absl::StatusOr<int64_t> Size() const;

  // --- Any command ---

  // Runs a command as a client that exists for it alone, in this database. Commands that only mean something in a
  // session that lasts (MULTI, WATCH, SELECT, HELLO...) answer an error that names cache.NewSession().
  absl::StatusOr<Reply> Execute(std::span<const std::string_view> argv) const;
  absl::StatusOr<Reply> Execute(std::initializer_list<std::string_view> argv) const {
    return Execute(Keys(argv.begin(), argv.size()));
  }
  absl::StatusOr<Reply> Execute(std::span<const std::string> argv) const;

  // Runs or queues a command and returns; `callback` gets the reply, or a Status if the command did not run: CANCELLED
  // if the cache was closed before. A command that ran gives its reply, also if the cache is closed before the reply is
  // delivered. ExecuteAsync never waits: a short command that finds the cache free runs at once. All others are copied,
  // and run by what Options::background names, before it delivers callbacks. Commands of ExecuteAsync run in the order
  // of its calls. Calls of other kinds are not in that queue: a later Get of the same thread may run before an earlier
  // ExecuteAsync.
  // Errors: as any call; FAILED_PRECONDITION for a Transaction; RESOURCE_EXHAUSTED also if the command would take more
  // than Options::async_bytes_max together with waiting commands and replies: a command that has to be copied counts
  // with all of its argv, even if nothing else waits. After an error the callback is not called.
  using ReplyCallback = std::function<void(absl::StatusOr<Reply>)>;
  absl::Status ExecuteAsync(std::span<const std::string_view> argv, ReplyCallback callback) const;
  absl::Status ExecuteAsync(std::initializer_list<std::string_view> argv, ReplyCallback callback) const {
    return ExecuteAsync(Keys(argv.begin(), argv.size()), std::move(callback));
  }
  absl::Status ExecuteAsync(std::span<const std::string> argv, ReplyCallback callback) const;

  // --- Together ---

  // The string at `key`. If there is none, stores what `loader` returns, with `ttl` (InfiniteDuration(): none), and
  // returns that.
  //   absl::StatusOr<std::string> loader();
  // One loader: callers that miss the same key together call the first one's loader, on its thread, outside of the
  //   cache's order. The others wait and get its value or its error. If it throws, its caller gets the exception, the
  //   others ABORTED.
  // Never stale: a stored value was loaded after the last change to the key. Changes, by anybody, the loader included,
  //   are that the key is written, deleted, expired by a time that has passed, renamed or moved away (though it is not
  //   there yet), or renamed, moved or copied onto, or that its database is flushed or swapped. After a change the
  //   loader's value goes to the callers that have waited for it and is not stored, and later callers load anew.
  // A value that cannot be stored (it does not fit maxmemory, is too long, or memory is short) goes to all waiting
  //   callers all the same; Stats::loads_not_stored counts it.
  // Loaders may load other keys. If a call would make threads wait for each other in a ring (a loader asks for its own
  //   key; the loader of a asks for b while the loader of b asks for a), it is FAILED_PRECONDITION. Only waits for
  //   loaders of this cache are seen: a ring through a second cache, a lock, or a thread that a loader joins, hangs.
  // Errors: the loader's; INVALID_ARGUMENT for a ttl of 0 or below, before anything else is done; FAILED_PRECONDITION
  //   also inside Atomically, and for a loader that returns in a fork of the process; CANCELLED if the cache is closed
  //   meanwhile.
  template <class Loader>
  absl::StatusOr<std::string> GetOrLoad(std::string_view key, absl::Duration ttl, Loader&& loader) const;

  int index() const { return target_.index; }

  // These take one key: {"a", "b"} would make one string_view that begins in one literal and ends in another.
  template <class... Rest> void Get(SeveralKeys, Rest&&...) const = delete;
  template <class... Rest> void View(SeveralKeys, Rest&&...) const = delete;
  template <class... Rest> void Set(SeveralKeys, Rest&&...) const = delete;
  template <class... Rest> void SetAndGet(SeveralKeys, Rest&&...) const = delete;
  template <class... Rest> void Increment(SeveralKeys, Rest&&...) const = delete;
  template <class... Rest> void IncrementFloat(SeveralKeys, Rest&&...) const = delete;
  template <class... Rest> void Append(SeveralKeys, Rest&&...) const = delete;
  template <class... Rest> void SetRange(SeveralKeys, Rest&&...) const = delete;
  template <class... Rest> void GetRange(SeveralKeys, Rest&&...) const = delete;
  template <class... Rest> void Expire(SeveralKeys, Rest&&...) const = delete;
  template <class... Rest> void ExpireAt(SeveralKeys, Rest&&...) const = delete;
  template <class... Rest> void Persist(SeveralKeys, Rest&&...) const = delete;
  template <class... Rest> void Ttl(SeveralKeys, Rest&&...) const = delete;
  template <class... Rest> void GetOrLoad(SeveralKeys, Rest&&...) const = delete;

 protected:
  friend class Cache;
  friend class ScanRange;
  friend const internal::Target& internal::TargetOf(const Database& database);
  friend Database internal::DatabaseOf(const internal::Target& target);
  explicit Database(const internal::Target& target) : target_(target) {}

  internal::Target target_;

 private:
  template <class Loader>
  absl::StatusOr<std::string> LoadMissing(std::string_view key, absl::Duration ttl, Loader&& loader) const;
};

class LARDER_API Cache : public Database {
 public:
  // Errors: INVALID_ARGUMENT names the option at fault; RESOURCE_EXHAUSTED.
  static absl::StatusOr<std::unique_ptr<Cache>> Open(const Options& options);

  // Close(absl::InfiniteFuture()) if it is still open. REQUIRES: no call is in progress or about to be made; listeners
  // and sessions are gone; the caller is not inside a callback, a loader, View or Atomically.
  // `std::unique_ptr<Cache>::reset()` sets the program's own pointer to null before the destructor delivers the
  // callbacks that are still owed, so a callback must not use that pointer. A `Cache*` that the callback keeps itself
  // is valid until then; calls through it are CANCELLED.
  ~Cache();
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  // Stops listeners, refuses every later call, and waits for running ones. OK means that no thread is in a call, a
  // loader, Tick or a callback of this cache any more. If another thread is about to make a call, and has not reached
  // the cache yet, the call is refused; the caller must see to it that it does not meet the destructor.
  // Callers that wait for their turn or for a loader get CANCELLED. Callbacks that are still owed run on the closing
  // thread; a command that ran gives its reply. The destructor gives the memory back.
  // Several threads may close at once; each returns by its own deadline, by the cache's clock. The deadline does not
  // bound three things: a callback that has begun on the closing thread ends; a slice of a listener's requests that
  // another thread is running (at most 64 short commands, or 20 us) ends; and sessions that are gone, and a listener's
  // clients with their connections, are all ended.
  // Errors: DEADLINE_EXCEEDED if it takes longer; the message says what is left, and names a listener whose loop nobody
  // polls (the listener's header says on which thread Close stops it). The cache refuses every call all the same. Close
  // may be called again, and goes on where it stopped. FAILED_PRECONDITION, with nothing changed, from inside View,
  // Atomically, a callback, a loader or Options::log, and in a fork of the process. FAILED_PRECONDITION also, after
  // closing, if values are still pinned, by replies not yet sent or by calls that have run and are copying their
  // result. The message tells how many values are pinned, but not by whom.
  absl::Status Close(absl::Time deadline);

  // Database `index`. Errors: OUT_OF_RANGE; RESOURCE_EXHAUSTED.
  absl::StatusOr<Database> Db(int index) const;

  // Runs fn(Transaction&), without calls of anybody else in between. There is no rollback, as in Redis. fn must return
  // nothing, an absl::Status or an absl::StatusOr<T>. Atomically returns that (OK for nothing), or why fn did not run.
  template <class F>
  auto Atomically(F&& fn);

  absl::StatusOr<std::unique_ptr<larder::Session>> NewSession();
  absl::StatusOr<std::unique_ptr<RespConnection>> NewConnection();

  // Messages as callbacks. Declared here; <larder/pubsub.h> has what it takes and returns. Errors: INVALID_ARGUMENT for
  // an empty callback.
  absl::StatusOr<Subscription> Subscribe(const Channels& channels, std::function<void(const Message&)> callback,
                                         CallbackOptions options);
  absl::StatusOr<Subscription> Subscribe(const Channels& channels, std::function<void(const Message&)> callback);
  // Changes of keys as callbacks. Likewise; <larder/events.h> has what it takes and returns.
  absl::StatusOr<EventSubscription> OnEvent(EventClass classes, std::function<void(const Event&)> callback,
                                            EventOptions options);
  absl::StatusOr<EventSubscription> OnEvent(EventClass classes, std::function<void(const Event&)> callback);

  absl::StatusOr<larder::Stats> Stats() const;

  // Does background work until `deadline`, or until there is none: active expiry, eviction that writes have left over,
  // freeing of deleted values, giving memory back (for which keys may be moved together), callbacks. It works in steps
  // of at most 100 us, between which others have their turn, and does one of each in any case. With Options::background
  // == kTick nothing else does this work; call it some 10 times a second, from any thread. Returns when it would like
  // to be called again: now, if callbacks are still owed or the deadline cut something short. Errors:
  // FAILED_PRECONDITION inside a callback.
  absl::StatusOr<absl::Time> Tick(absl::Time deadline);

  // For listeners and bindings.
  core::CacheCore& core() { return *target_.core; }

 private:
  explicit Cache(std::unique_ptr<core::CacheCore> core);
  // *transaction: the number that the Transaction, and handles made from it, carry.
  const internal::ErrorText* EnterUser(uint64_t* transaction);
  void LeaveUser();
};

// The calls of Atomically's function. Nothing here waits. A Transaction ends with its function: it cannot be copied,
// and a ScanRange that was made from it and outlives it answers FAILED_PRECONDITION from then on, on every thread, also
// inside a later Atomically.
class LARDER_API Transaction : public Database {
  friend class Cache;
  class Pass {
    friend class Transaction;
    friend class Cache;
    Pass() {}
  };

 public:
  Transaction(Pass, const internal::Target& target) : Database(target) {}
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  // Another database, inside the same transaction.
  absl::StatusOr<Transaction> Db(int index) const;
};

class ScanRange {
 public:
  using Iterator = internal::RangeIterator<ScanRange, std::string>;

  // A range that was moved from has ended: it has no keys, and its status() is FAILED_PRECONDITION. An iterator of it
  // must not be read any more; once advanced it equals end().
  ScanRange(ScanRange&& other) noexcept : database_(other.database_) { Take(other); }
  ScanRange& operator=(ScanRange&& other) noexcept {
    if (this != &other) Take(other);
    return *this;
  }

  // Goes through the keys once; a second begin() goes on where the first stopped.
  Iterator begin() { return Next() ? Iterator(this) : Iterator(); }
  Iterator end() { return Iterator(); }
  // The reason why the walk ended early; OK if it did not.
  const absl::Status& status() const { return status_; }

 private:
  friend class Database;
  friend Iterator;
  ScanRange(const Database& database, const ScanOptions& options);
  void Take(ScanRange& other) noexcept;
  bool Next();
  const std::string& current() const { return key_; }

  Database database_;
  std::string match_;
  size_t batch_size_;
  internal::FetchedList batch_;
  size_t next_ = 0;
  uint64_t cursor_ = 0;
  bool started_ = false;
  std::string key_;
  absl::Status status_;
};

}  // namespace larder::inline v0

#include <larder/internal/cache_inline.h>

#endif  // LARDER_CACHE_H_
