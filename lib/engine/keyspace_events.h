// KeyspaceEvents: notify-keyspace-events. Effects become messages in channels, as in Redis:
//
//   __keyspace@<db>__:<key>    with the event's name, if the directive has K
//   __keyevent@<db>__:<event>  with the key, if it has E
//
// An effect on a key has up to three events, after "new" for a key that was not there; each goes out if its class is
// among the directive's letters. Class m, "keymiss", is no change: a read has not found its key.
//
// A client that is subscribed gets the events of its own command in front of the command's reply. (Redis sends those of
// some commands behind it.)
//
// Two more differences, both of class n: where a key becomes another (RENAME, MOVE), Redis tells "new" of the other before
// the first one's events, and Larder with the other's own; and Redis tells it where COPY replaces a key.
//
// Cost: nothing unless the directive has K or E and a class; then, for each event, a look at the subscribers of its
// channels and at all patterns.
#ifndef LARDER_ENGINE_KEYSPACE_EVENTS_H_
#define LARDER_ENGINE_KEYSPACE_EVENTS_H_

#include <cstdint>
#include <string_view>

#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/base/holder.h"
#include "lib/engine/pubsub.h"
#include "lib/keyspace/effects.h"

namespace larder::inline v0::engine {

class KeyspaceEvents final : public keyspace::EffectListener {
 public:
  KeyspaceEvents(keyspace::Effects& effects, PubSub& pubsub) : effects_(effects), pubsub_(pubsub) {}
  KeyspaceEvents(const KeyspaceEvents&) = delete;
  KeyspaceEvents& operator=(const KeyspaceEvents&) = delete;

  // `letters`: the directive's value.
  void Configure(std::string_view letters) LARDER_REQUIRES_HOLDER;

  void OnEffect(const keyspace::Effect& effect) override LARDER_REQUIRES_HOLDER;

 private:
  bool Has(char letter) const LARDER_REQUIRES_HOLDER { return (letters_ >> Bit(letter) & 1) != 0; }
  static int Bit(char letter) { return letter & 63; }
  void Tell(keyspace::EventClass event_class, Bytes event, int db, Bytes key) LARDER_REQUIRES_HOLDER;
  void Send(std::string_view kind, int db, Bytes name, Bytes message) LARDER_REQUIRES_HOLDER;

  keyspace::Effects& effects_;
  PubSub& pubsub_;
  uint64_t letters_ LARDER_GUARDED_BY_HOLDER = 0;  // by their low six bits, which differ for all but d
  bool listening_ LARDER_GUARDED_BY_HOLDER = false;
  base::Buffer channel_ LARDER_GUARDED_BY_HOLDER;
};

}  // namespace larder::inline v0::engine

#endif  // LARDER_ENGINE_KEYSPACE_EVENTS_H_
