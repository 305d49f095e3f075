// Effects: every change of the keyspace, told once to all listeners.
//
// Every change, by a typed call, a command, an expiry or an eviction, goes through one op, and that op emits one Effect
// a key. Nothing above an op repeats it, and nothing below knows the listeners. WATCH is the first listener. Keyspace
// events, tracking, waking of blocked callers, the log and the replica stream are to come.
//
// Costly parts are made only if a listener wants them: ops ask wants(kCommands) before they compose the canonical
// command, and wants(kOldValues) before they keep the old entry alive past the change.
//
// An effect has its origin (as given to Keyspace::BeginOp) and up to three event names: SET with an expiry is "set" and
// "expire" of one effect. The effects of one op on several keys (RENAME, MSET, DEL of many, FLUSHALL) are a group and
// have the same number. Listeners that want kGroups are told when a group is complete, so that a log or a replica can
// treat it as one change.
//
// Listeners run under the executor, must be short, and may not change the keyspace.
#ifndef LARDER_KEYSPACE_EFFECTS_H_
#define LARDER_KEYSPACE_EFFECTS_H_

#include <cstdint>
#include <span>

#include "lib/base/bytes.h"
#include "lib/base/check.h"
#include "lib/base/holder.h"

namespace larder::inline v0::keyspace {

class Entry;

// The classes of notify-keyspace-events, by their letters there.
enum class EventClass : char {
  kGeneric = 'g', kString = '$', kList = 'l', kSet = 's', kHash = 'h', kZset = 'z', kStream = 't',
  kExpired = 'x', kEvicted = 'e', kNew = 'n', kMiss = 'm',
  kSilent = 0,  // a change without a keyspace event; WATCH, logs and their like are told of it
};

// A name that keyspace events use: "set", "del", "expired"...
struct Event {
  EventClass event_class;
  Bytes name;
};
inline constexpr size_t kEventsMax = 3;

struct Effect {
  enum class Kind : uint8_t {
    kKey,     // one key was changed, made or removed
    kFlush,   // database `db` was emptied
    kSwap,    // databases `db` and `other_db` changed places
    kMiss,    // a read has not found `key`: no change, and told only to those who want kMisses
    kAbsent,  // `key` was to be deleted, renamed or moved away and was not there: no change, and told only to
              // listeners that want kAbsences
  };
  Kind kind = Kind::kKey;
  EventClass event_class = EventClass::kGeneric;
  Bytes event = {};                // the first event's name
  std::span<const Event> more = {};  // the further events, in Redis's order; at most kEventsMax - 1
  bool watched = true;             // false: those who WATCH the key need not know (what groups of a stream have done)
  bool is_new = false;             // the key was not there before: event "new" of class kNew, which Redis tells first
  int db = 0;
  int other_db = 0;                // kSwap
  Bytes key = {};
  const Entry* old_value = nullptr;   // kOldValues: the entry before the change, or nullptr; valid during the call
  std::span<const Bytes> command = {};  // kCommands: a command that makes the same change elsewhere
  // Set by Effects.
  const void* origin = nullptr;    // the client whose op it is; nullptr: a typed call or background work
  uint64_t group = 0;              // the group's number; 0: the effect is in no group
};

class EffectListener {
 public:
  virtual void OnEffect(const Effect& effect) LARDER_REQUIRES_HOLDER = 0;
  // kGroups: all effects of this number, perhaps none, have been told.
  virtual void OnGroupEnd(uint64_t /*group*/) LARDER_REQUIRES_HOLDER {}

 protected:
  ~EffectListener() = default;

 private:
  friend class Effects;
  EffectListener* next_listener_ = nullptr;
  uint32_t wants_ = 0;
};

class Effects {
 public:
  enum Want : uint32_t { kEvents = 1, kOldValues = 2, kCommands = 4, kAbsences = 8, kGroups = 16, kMisses = 32 };

  // A listener is added once. It may remove itself inside OnEffect. REQUIRES: it is removed before it dies, or no
  // effect comes after its death.
  void Add(EffectListener* listener, uint32_t wants) LARDER_REQUIRES_HOLDER {
    LARDER_DCHECK(!IsThere(listener));
    listener->wants_ = wants;
    listener->next_listener_ = first_;
    first_ = listener;
    wanted_ |= wants;
  }
  void Remove(EffectListener* listener) LARDER_REQUIRES_HOLDER {
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

  bool wants(Want want) const LARDER_REQUIRES_HOLDER { return (wanted_ & want) != 0; }

  // The origin of effects from now on.
  void set_origin(const void* origin) LARDER_REQUIRES_HOLDER { origin_ = origin; }
  const void* origin() const LARDER_REQUIRES_HOLDER { return origin_; }

  // Whether anybody listens. If not, an op may call Count instead of emitting.
  bool heard() const LARDER_REQUIRES_HOLDER { return first_ != nullptr; }
  void Count() LARDER_REQUIRES_HOLDER { ++changes_; }

  void Emit(Effect effect) LARDER_REQUIRES_HOLDER {
    LARDER_DCHECK(effect.more.size() < kEventsMax);
    Count();
    if (first_ == nullptr) return;
    effect.origin = origin_;
    effect.group = depth_ == 0 ? 0 : group_;
    for (EffectListener* listener = first_; listener != nullptr; listener = listener->next_listener_) {
      listener->OnEffect(effect);
    }
  }

  void EmitAbsence(int db, Bytes key) LARDER_REQUIRES_HOLDER {
    if (!wants(kAbsences)) [[likely]] return;
    for (EffectListener* listener = first_; listener != nullptr; listener = listener->next_listener_) {
      if ((listener->wants_ & kAbsences) == 0) continue;
      listener->OnEffect({.kind = Effect::Kind::kAbsent, .db = db, .key = key, .origin = origin_});
    }
  }

  [[gnu::cold, gnu::noinline]] void EmitMiss(int db, Bytes key) LARDER_REQUIRES_HOLDER {
    for (EffectListener* listener = first_; listener != nullptr; listener = listener->next_listener_) {
      if ((listener->wants_ & kMisses) == 0) continue;
      listener->OnEffect({.kind = Effect::Kind::kMiss, .db = db, .key = key, .origin = origin_});
    }
  }

  // While a Group is alive, all effects are in one group; a Group within another changes nothing.
  class Group {
   public:
    explicit Group(Effects& effects) : effects_(effects) { effects_.BeginGroup(); }
    ~Group() { effects_.EndGroup(); }
    Group(const Group&) = delete;
    Group& operator=(const Group&) = delete;

   private:
    Effects& effects_;
  };

  // The same for places where no scope fits.
  void BeginGroup() LARDER_REQUIRES_HOLDER {
    if (depth_++ == 0) ++group_;
  }
  void EndGroup() LARDER_REQUIRES_HOLDER {
    LARDER_DCHECK(depth_ > 0);
    if (--depth_ == 0 && wants(kGroups)) [[unlikely]] TellGroupEnd();
  }

  // The number of effects so far. It tells whether a command has changed anything.
  uint64_t changes() const LARDER_REQUIRES_HOLDER { return changes_; }

  // rdb_changes_since_last_save, which is nearly the same. Where Redis counts otherwise, AdjustDirty makes up for it: a
  // RENAME has two effects; a flush counts its keys; expiry and eviction do not count.
  uint64_t dirty() const LARDER_REQUIRES_HOLDER { return changes_ + adjusted_; }
  void AdjustDirty(int64_t by) LARDER_REQUIRES_HOLDER { adjusted_ += static_cast<uint64_t>(by); }

 private:
  bool IsThere(const EffectListener* listener) const LARDER_REQUIRES_HOLDER {
    const EffectListener* each = first_;
    while (each != nullptr && each != listener) each = each->next_listener_;
    return each != nullptr;
  }
  void TellGroupEnd() LARDER_REQUIRES_HOLDER {
    for (EffectListener* listener = first_; listener != nullptr; listener = listener->next_listener_) {
      if ((listener->wants_ & kGroups) != 0) listener->OnGroupEnd(group_);
    }
  }

  EffectListener* first_ LARDER_GUARDED_BY_HOLDER = nullptr;
  uint32_t wanted_ LARDER_GUARDED_BY_HOLDER = 0;
  uint64_t changes_ LARDER_GUARDED_BY_HOLDER = 0;
  uint64_t adjusted_ LARDER_GUARDED_BY_HOLDER = 0;  // modulo 2^64
  const void* origin_ LARDER_GUARDED_BY_HOLDER = nullptr;
  uint64_t group_ LARDER_GUARDED_BY_HOLDER = 0;  // number of the last group
  int depth_ LARDER_GUARDED_BY_HOLDER = 0;       // nesting of groups
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_EFFECTS_H_
