#include "lib/typed/events.h"

#include <algorithm>
#include <new>
#include <utility>

#include "lib/base/check.h"
#include "lib/base/glob.h"
#include "lib/engine/engine.h"
#include "lib/keyspace/db.h"
#include "lib/memory/block.h"
#include "lib/ops/hashes.h"
#include "lib/ops/lists.h"
#include "lib/ops/sets.h"
#include "lib/ops/streams.h"
#include "lib/ops/strings.h"
#include "lib/ops/zsets.h"
#include "lib/typed/collections.h"
#include "lib/typed/op.h"

namespace larder::inline v0::typed {
namespace {

using keyspace::Effect;
using keyspace::Effects;
using keyspace::Entry;
using keyspace::Type;
using Class = keyspace::EventClass;

// Strings up to this size are copied.
constexpr size_t kCopiedMax = size_t{8} << 10;

EventClass ClassOf(Class event_class) {
  switch (event_class) {
    case Class::kGeneric: return EventClass::kGeneric;
    case Class::kString: return EventClass::kString;
    case Class::kList: return EventClass::kList;
    case Class::kSet: return EventClass::kSet;
    case Class::kHash: return EventClass::kHash;
    case Class::kZset: return EventClass::kSortedSet;
    case Class::kStream: return EventClass::kStream;
    case Class::kExpired: return EventClass::kExpired;
    case Class::kEvicted: return EventClass::kEvicted;
    case Class::kNew: return EventClass::kNew;
    case Class::kMiss: return EventClass::kMiss;
    case Class::kSilent: break;
  }
  return EventClass{};
}

EventReason ReasonOf(Class event_class, Bytes name) {
  if (event_class == Class::kExpired) return EventReason::kExpired;
  if (event_class == Class::kEvicted) return EventReason::kEvicted;
  if (event_class == Class::kMiss) return EventReason::kMissed;
  const bool gone = event_class == Class::kGeneric && (name == "del" || name == "rename_from" || name == "move_from");
  return gone ? EventReason::kDeleted : EventReason::kWritten;
}

// The class of what edits a value of this type.
Class ClassOf(Type type) {
  switch (type) {
    case Type::kString: return Class::kString;
    case Type::kList: return Class::kList;
    case Type::kSet: return Class::kSet;
    case Type::kZset: return Class::kZset;
    case Type::kHash: return Class::kHash;
    case Type::kStream: return Class::kStream;
  }
  return Class::kGeneric;
}

// Whether the keyspace is without the old value after the change. It has it still under another name, in another
// database, or with another expiry; and of a collection that is edited it has the most.
bool Leaves(const Effect& effect, const Entry& old) {
  const Bytes event = effect.event;
  if (effect.event_class == Class::kGeneric) {
    return event != "expire" && event != "persist" && event != "rename_from" && event != "move_from";
  }
  if (effect.event_class != ClassOf(old.type()) || old.type() == Type::kString || event.ends_with("store")) return true;
  return std::ranges::any_of(effect.more, [](const keyspace::Event& more) { return more.name == "del"; });
}

}  // namespace

// Behind it: the event's name, the key and, if it is copied, the old string.
struct EventQueue::EventItem : Item {
  EventClass event_class;
  EventReason reason;
  int db;
  int other_db;
  size_t name_size;
  size_t key_size;
  size_t copied_size;    // of the old string
  size_t excluded = 0;   // what maxmemory is not to count
  size_t extra = 0;      // what the keyspace's extra memory counts
  bool has_old = false;
  KeyType old_type;
  size_t old_size;       // its elements, or bytes
  memory::BlockRef block_of_old;                     // of an old string that is not copied
  std::unique_ptr<internal::FetchedList> first;      // an old collection's first elements
  size_t next = 0;                                   // a stream's: how many these are
  internal::CollectionPin pin;                       // and all of it, if there are more

  char* bytes() { return reinterpret_cast<char*>(this + 1); }
  const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }
  std::string_view name() const { return {bytes(), name_size}; }
  std::string_view key() const { return {bytes() + name_size, key_size}; }
  std::string_view old_string() const {
    if (block_of_old) return block_of_old->view();
    return {bytes() + name_size + key_size, copied_size};
  }
};

EventQueue::EventQueue(core::CacheCore& core, EventClass classes, std::function<void(const Event&)> callback,
                       EventOptions options)
    : CallbackQueue(core, std::move(options.callbacks)),
      classes_(classes),
      old_values_(options.old_values),
      match_(std::move(options.match)),
      callback_(std::move(callback)) {}

EventQueue::~EventQueue() = default;

EventQueue* EventQueue::Create(core::CacheCore& core, EventClass classes, std::function<void(const Event&)> callback,
                               EventOptions options) {
  return Complete(new (std::nothrow) EventQueue(core, classes, std::move(callback), std::move(options)));
}

uint32_t EventQueue::Wants() const {
  return Effects::kEvents | (Includes(classes_, EventClass::kMiss) ? Effects::kMisses : 0u) |
         (old_values_ ? Effects::kOldValues : 0u);
}

absl::Status EventQueue::Start() {
  return core().Run([this]() LARDER_REQUIRES_HOLDER {
    keyspace::Keyspace& keyspace = core().engine().keyspace();
    db_ = keyspace.db(0);
    keyspace.effects().Add(this, Wants());
  });
}

void EventQueue::Leave() { core().engine().keyspace().effects().Remove(this); }

void EventQueue::Closed() {
  (void)core().Run([this]() LARDER_REQUIRES_HOLDER { Leave(); });
}

// ---- Under the executor ---------------------------------------------------------------------------------------------

bool EventQueue::Wants(Class event_class) const {
  return event_class != Class::kSilent && Includes(classes_, ClassOf(event_class));
}

void EventQueue::OnEffect(const Effect& effect) {
  switch (effect.kind) {
    case Effect::Kind::kKey: break;
    case Effect::Kind::kMiss: return Tell(effect, Class::kMiss, "keymiss");
    case Effect::Kind::kFlush:
    case Effect::Kind::kSwap:
      if (!Includes(classes_, EventClass::kDatabase)) return;
      return Queue(effect, EventClass::kDatabase,
                   effect.kind == Effect::Kind::kFlush ? EventReason::kFlushed : EventReason::kSwapped, effect.event);
    case Effect::Kind::kAbsent: return;
  }
  if (effect.is_new) Tell(effect, Class::kNew, "new");
  Tell(effect, effect.event_class, effect.event);
  for (const keyspace::Event& event : effect.more) Tell(effect, event.event_class, event.name);
}

void EventQueue::Tell(const Effect& effect, Class event_class, Bytes name) {
  if (name.empty() || !Wants(event_class)) return;
  if (!match_.empty() && !base::GlobMatch(match_, effect.key)) return;
  Queue(effect, ClassOf(event_class), ReasonOf(event_class, name), name);
}

void EventQueue::Queue(const Effect& effect, EventClass event_class, EventReason reason, Bytes name) {
  const Entry* const old = old_values_ ? effect.old_value : nullptr;
  ops::strings::Digits digits;
  ops::strings::Text text;
  if (old != nullptr && old->type() == Type::kString) text = ops::strings::TextOf(*old, digits);
  const Bytes copied = text.block == nullptr || text.bytes.size() <= kCopiedMax ? text.bytes : Bytes();
  const size_t size = sizeof(EventItem) + name.size() + effect.key.size() + copied.size();
  size_t counted = sizeof(memory::Block) + size;
  // A string that is pinned counts, once for events that follow each other: it may leave the keyspace later. A
  // collection counts if it leaves now.
  const memory::Block* const pinned = copied.size() != text.bytes.size() ? text.block : nullptr;
  const bool is_collection = old != nullptr && old->type() != Type::kString;
  if ((pinned != nullptr && pinned != last_pinned_) || (is_collection && Leaves(effect, *old))) {
    counted += keyspace::Keyspace::BytesOf(*old);
  }
  // About: how much is fetched is known only then.
  const size_t fetched = is_collection ? std::min(keyspace::Keyspace::BytesOf(*old), kWalkBatchBytes) : 0;
  if (is_collection) counted += sizeof(internal::FetchedList);
  if (!Admit(std::min(counted + fetched, bytes_max()))) return;
  memory::Block* const block = core().engine().keyspace().blocks().New(size, size);
  if (block == nullptr) return Drop();
  EventItem* const item = new (block->data()) EventItem();
  item->block = block;
  item->event_class = event_class;
  item->reason = reason;
  item->db = effect.db;
  item->other_db = effect.other_db;
  item->name_size = name.size();
  item->key_size = effect.key.size();
  item->copied_size = copied.size();
  base::CopyBytes(item->bytes(), name);
  base::CopyBytes(item->bytes() + name.size(), effect.key);
  base::CopyBytes(item->bytes() + name.size() + effect.key.size(), copied);
  Exclude(item, block->footprint());
  if (old != nullptr && !PinOld(effect, item)) {
    Release(item);
    block->UnrefHeld();
    return Drop();
  }
  if (item->extra != 0) counted += item->extra - sizeof(internal::FetchedList);
  item->counted = std::min(counted, bytes_max());
  if (pinned != nullptr) last_pinned_ = pinned;
  Add(item);
}

void EventQueue::Exclude(EventItem* item, size_t bytes) {
  item->excluded += bytes;
  core().engine().keyspace().limit().told_later().fetch_add(bytes, std::memory_order_relaxed);
}

// False without memory.
bool EventQueue::PinOld(const Effect& effect, EventItem* item) {
  const Entry& old = *effect.old_value;
  item->has_old = true;
  item->old_type = static_cast<KeyType>(old.type());
  if (old.type() != Type::kString) {
    const bool pinned = PinCollection(effect, item);
    if (pinned && item->pin.get() != nullptr && Leaves(effect, old)) {
      Exclude(item, keyspace::Keyspace::BytesOf(old));
    }
    return pinned;
  }
  ops::strings::Digits digits;
  const ops::strings::Text text = ops::strings::TextOf(old, digits);
  item->old_size = text.bytes.size();
  if (item->copied_size == text.bytes.size()) return true;
  if (Leaves(effect, old) && text.block->unique()) Exclude(item, text.block->footprint());
  item->block_of_old = memory::BlockRef::Share(text.block);
  return true;
}

bool EventQueue::PinCollection(const Effect& effect, EventItem* item) {
  item->first.reset(new (std::nothrow) internal::FetchedList());
  if (item->first == nullptr) return false;
  const bool filled = FetchCollection(*effect.old_value, item);
  item->extra = item->first->memory();
  core().engine().keyspace().extra_memory().fetch_add(item->extra, std::memory_order_relaxed);
  Exclude(item, item->extra);
  return filled;
}

// The first elements, and the pin of all if there are more. False without memory.
bool EventQueue::FetchCollection(const Entry& old, EventItem* item) {
  const OpAt at{*core().engine().keyspace().db(0), Bytes(), 0};
  const auto pin = [&](const keyspace::Collection& collection, AddRecord add) LARDER_REQUIRES_HOLDER {
    return typed::PinCollection(at, &old, collection, add, &core(), &item->pin, &item->old_size, item->first.get())
        .ok();
  };
  switch (old.type()) {
    case Type::kString: break;
    case Type::kList: return pin(keyspace::Collection(&old, ops::lists::kElements), AddListElement);
    case Type::kSet: return pin(ops::sets::Set(&old).records(), AddSetMember);
    case Type::kZset: return pin(keyspace::Collection(&old, keyspace::kScoredMembers), AddScoredMember);
    case Type::kHash: return pin(keyspace::Collection(&old, ops::hashes::kPackedPairs), AddHashPair);
    case Type::kStream:
      return PinStreamValue(at, old, &core(), &item->pin, &item->old_size, &item->next, item->first.get()).ok();
  }
  return true;
}

// ---- The drainer ----------------------------------------------------------------------------------------------------

void EventQueue::Call(const Item& queued) {
  const EventItem& item = static_cast<const EventItem&>(queued);
  OldValue old;
  Event event;
  event.event_class = item.event_class;
  event.reason = item.reason;
  event.db = item.db;
  event.other_db = item.other_db;
  event.name = item.name();
  event.key = item.key();
  if (item.has_old) {
    old.type_ = item.old_type;
    old.size_ = item.old_size;
    if (item.old_type == KeyType::kString) old.string_ = item.old_string();
    old.target_.core = &core();
    old.target_.db = db_;
    old.pin_ = &item.pin;
    old.first_ = item.first.get();
    old.next_ = item.next;
    event.old_value = &old;
  }
  callback_(event);
}

void EventQueue::Release(Item* queued) {
  EventItem* const item = static_cast<EventItem*>(queued);
  core().engine().keyspace().extra_memory().fetch_sub(item->extra, std::memory_order_relaxed);
  core().engine().keyspace().limit().told_later().fetch_sub(item->excluded, std::memory_order_relaxed);
  item->~EventItem();
}

void EventQueue::ReleaseUser() { callback_ = nullptr; }

}  // namespace larder::inline v0::typed
