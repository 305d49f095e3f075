#include "lib/engine/keyspace_events.h"

#include "lib/engine/text.h"

namespace larder::inline v0::engine {
namespace {

// A channel's name keeps its memory up to this size.
constexpr size_t kKeptBytes = 4096;

constexpr std::string_view kClassesOfA = "g$lshzxetd";

}  // namespace

void KeyspaceEvents::Configure(std::string_view letters) {
  if (listening_) effects_.Remove(this);
  letters_ = 0;
  bool any_class = false;
  for (const char letter : letters) {
    for (const char each : letter == 'A' ? kClassesOfA : std::string_view(&letter, 1)) {
      any_class |= each != 'K' && each != 'E';
      if (each != 'd') letters_ |= uint64_t{1} << Bit(each);  // there are no modules, whose events those would be
    }
  }
  listening_ = any_class && (Has('K') || Has('E'));
  if (!listening_) {
    channel_.Free();
    return;
  }
  effects_.Add(this, keyspace::Effects::kEvents | (Has('m') ? keyspace::Effects::kMisses : 0u));
}

void KeyspaceEvents::OnEffect(const keyspace::Effect& effect) {
  using Kind = keyspace::Effect::Kind;
  if (pubsub_.count(ChannelKind::kChannel) == 0 && pubsub_.count(ChannelKind::kPattern) == 0) return;
  if (effect.kind == Kind::kMiss) return Tell(keyspace::EventClass::kMiss, "keymiss", effect.db, effect.key);
  if (effect.kind != Kind::kKey) return;
  if (effect.is_new) Tell(keyspace::EventClass::kNew, "new", effect.db, effect.key);
  if (!effect.event.empty()) Tell(effect.event_class, effect.event, effect.db, effect.key);
  for (const keyspace::Event& event : effect.more) Tell(event.event_class, event.name, effect.db, effect.key);
  if (channel_.capacity() > kKeptBytes) channel_.Free();
}

void KeyspaceEvents::Tell(keyspace::EventClass event_class, Bytes event, int db, Bytes key) {
  if (event_class == keyspace::EventClass::kSilent || !Has(static_cast<char>(event_class))) return;
  if (Has('K')) Send("__keyspace@", db, key, event);
  if (Has('E')) Send("__keyevent@", db, event, key);
}

// Without memory for the channel's name nobody gets the event; who listens to it cannot be told then.
void KeyspaceEvents::Send(std::string_view kind, int db, Bytes name, Bytes message) {
  channel_.Clear();
  TextWriter(channel_) << kind << db << "__:" << name;
  if (channel_.failed()) return channel_.Free();
  pubsub_.Publish(ChannelKind::kChannel, channel_.view(), message);
}

}  // namespace larder::inline v0::engine
