// EventQueue: a listener to effects in this process, whose events are callbacks. lib/events.h is its public face.
//
// Memory: what a waiting event takes does not count against maxmemory, and neither does a value that only an event
// still holds because it was deleted or written over: otherwise the eviction of a key would be a reason to evict the
// next one. CallbackOptions::bytes_max bounds both. An old value that alone is larger than that counts as bytes_max. Of
// a collection that was edited the event holds what was changed since. That counts against maxmemory alone, since one
// cannot tell how much it is; if the collection is deleted later, it stays in memory until those events are through.
#ifndef LARDER_TYPED_EVENTS_H_
#define LARDER_TYPED_EVENTS_H_

#include <cstddef>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include <larder/events.h>
#include "lib/base/bytes.h"
#include "lib/base/holder.h"
#include "lib/core/callback_queue.h"
#include "lib/core/core.h"
#include "lib/keyspace/effects.h"
#include "lib/keyspace/entry.h"
#include "lib/memory/block.h"

namespace larder::inline v0::typed {

class EventQueue final : public core::CallbackQueue, private keyspace::EffectListener {
 public:
  // nullptr without memory.
  static EventQueue* Create(core::CacheCore& core, EventClass classes, std::function<void(const Event&)> callback,
                            EventOptions options);

  // Begins to listen. Call once.
  absl::Status Start();

 private:
  struct EventItem;

  EventQueue(core::CacheCore& core, EventClass classes, std::function<void(const Event&)> callback,
             EventOptions options);
  ~EventQueue() override;

  uint32_t Wants() const;
  bool Wants(keyspace::EventClass event_class) const;
  void Tell(const keyspace::Effect& effect, keyspace::EventClass event_class, Bytes name) LARDER_REQUIRES_HOLDER;
  // One event of a class that is wanted.
  void Queue(const keyspace::Effect& effect, EventClass event_class, EventReason reason, Bytes name)
      LARDER_REQUIRES_HOLDER;
  bool PinOld(const keyspace::Effect& effect, EventItem* item) LARDER_REQUIRES_HOLDER;
  bool PinCollection(const keyspace::Effect& effect, EventItem* item) LARDER_REQUIRES_HOLDER;
  bool FetchCollection(const keyspace::Entry& old, EventItem* item) LARDER_REQUIRES_HOLDER;
  void Exclude(EventItem* item, size_t bytes);

  // EffectListener.
  void OnEffect(const keyspace::Effect& effect) override LARDER_REQUIRES_HOLDER;
  // CallbackQueue.
  void Call(const Item& item) override;
  void Leave() override LARDER_REQUIRES_HOLDER;
  void Closed() override;
  void Release(Item* item) override;
  void ReleaseUser() override;

  const EventClass classes_;
  const bool old_values_;
  const std::string match_;
  keyspace::Db* db_ = nullptr;  // any: for walks through old values
  const memory::Block* last_pinned_ LARDER_GUARDED_BY_HOLDER = nullptr;  // only to be compared
  std::function<void(const Event&)> callback_;
};

}  // namespace larder::inline v0::typed

#endif  // LARDER_TYPED_EVENTS_H_
