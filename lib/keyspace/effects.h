// Effects: what has changed in the keyspace, told once, to whoever asked.
//
// A change made by a typed call, a command, an expiry or an eviction goes through one op, and that op emits one Effect
// a key. Nothing above an op repeats it, and nothing below knows who listens. WATCH is the first listener; keyspace
// events, tracking, waking of blocked callers, the log and the replica stream are others to come.
//
// What costs something to make is made only if a listener wants it: ops ask wants(kCommands) before they compose the
// canonical command, and wants(kOldValues) before they keep the old entry alive past the change.
//
// Threads: the executor's holder emits, adds and removes. Listeners run inside the executor, must be short, and may not
// change the keyspace.
#ifndef LARDER_KEYSPACE_EFFECTS_H_
#define LARDER_KEYSPACE_EFFECTS_H_

#include <cstdint>
#include <span>

#include "lib/base/bytes.h"

namespace larder::inline v0::keyspace {

class Entry;

// The classes of notify-keyspace-events, by their letters there.
enum class EventClass : char {
  kGeneric = 'g', kString = '$', kList = 'l', kSet = 's', kHash = 'h', kZset = 'z', kStream = 't',
  kExpired = 'x', kEvicted = 'e', kNew = 'n',
};

struct Effect {
  enum class Kind : uint8_t {
    kKey,      // one key was changed, made or removed
    kFlush,    // database `db` was emptied
    kSwap,     // databases `db` and `other_db` changed places
    kAbsent,   // `key` was to be deleted, renamed or moved away and was not there: no change, and told only to those who
               // want kAbsences
  };
  Kind kind = Kind::kKey;
  EventClass event_class = EventClass::kGeneric;
  Bytes event = {};                // "set", "del", "expired"...: the name that keyspace events use
  int db = 0;
  int other_db = 0;                // kSwap
  Bytes key = {};
  const Entry* old_value = nullptr;   // kOldValues: what was there before, or nullptr; valid during the call
  std::span<const Bytes> command = {};  // kCommands: the change as a command that does the same elsewhere
};

class EffectListener {
 public:
  virtual void OnEffect(const Effect& effect) = 0;

 protected:
  ~EffectListener() = default;

 private:
  friend class Effects;
  EffectListener* next_listener_ = nullptr;
  uint32_t wants_ = 0;
};

class Effects {
 public:
  enum Want : uint32_t { kEvents = 1, kOldValues = 2, kCommands = 4, kAbsences = 8 };

  // A listener is added once. It may remove itself while it is told. REQUIRES: it is removed before it dies, or no effect
  // comes after it.
  void Add(EffectListener* listener, uint32_t wants) {
    listener->wants_ = wants;
    listener->next_listener_ = first_;
    first_ = listener;
    wanted_ |= wants;
  }
  void Remove(EffectListener* listener) {
    wanted_ = 0;
    for (EffectListener** link = &first_; *link != nullptr;) {
      if (*link == listener) {
        *link = listener->next_listener_;
        continue;
      }
      wanted_ |= (*link)->wants_;
      link = &(*link)->next_listener_;
    }
  }

  bool wants(Want want) const { return (wanted_ & want) != 0; }

  void Emit(const Effect& effect) {
    ++changes_;
    if (first_ == nullptr) return;
    for (EffectListener* listener = first_; listener != nullptr; listener = listener->next_listener_) {
      listener->OnEffect(effect);
    }
  }

  void EmitAbsence(int db, Bytes key) {
    if (!wants(kAbsences)) [[likely]] return;
    for (EffectListener* listener = first_; listener != nullptr; listener = listener->next_listener_) {
      if ((listener->wants_ & kAbsences) != 0) listener->OnEffect({.kind = Effect::Kind::kAbsent, .db = db, .key = key});
    }
  }

  // How many effects there have been: whether a command has changed anything.
  uint64_t changes() const { return changes_; }

  // rdb_changes_since_last_save, which is nearly the same. What Redis counts otherwise says by how much: one SET with an
  // expiry, or one RENAME, has two effects; a flush is worth its keys; what expires or is evicted is no change of the data.
  uint64_t dirty() const { return changes_ + adjusted_; }
  void AdjustDirty(int64_t by) { adjusted_ += static_cast<uint64_t>(by); }

 private:
  EffectListener* first_ = nullptr;
  uint32_t wanted_ = 0;
  uint64_t changes_ = 0;
  uint64_t adjusted_ = 0;  // modulo 2^64
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_EFFECTS_H_
