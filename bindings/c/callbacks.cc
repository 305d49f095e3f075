// The C ABI: messages and events as callbacks.
#include <larder/events.h>
#include <larder/hash.h>
#include <larder/pubsub.h>

#include "bindings/c/internal.h"

struct larder_subscription {
  std::optional<larder::Subscription> subscription;
};
struct larder_event_subscription {
  std::optional<larder::EventSubscription> subscription;
};
struct larder_old_value {
  const larder::OldValue* value;
};

namespace {

using larder_c::Arguments;
using larder_c::Fail;
using larder_c::Guard;
using larder_c::NullArgument;

static_assert(static_cast<int>(LARDER_SHARD_CHANNEL) == static_cast<int>(larder::Message::By::kShardChannel));
static_assert(static_cast<unsigned>(LARDER_EVENT_DATABASE) == static_cast<unsigned>(larder::EventClass::kDatabase));
static_assert(static_cast<unsigned>(LARDER_EVENT_CHANGES) == static_cast<unsigned>(larder::EventClass::kChanges));
static_assert(static_cast<unsigned>(LARDER_EVENT_MISS) == static_cast<unsigned>(larder::EventClass::kMiss));
static_assert(static_cast<int>(LARDER_REASON_MISSED) == static_cast<int>(larder::EventReason::kMissed));
static_assert(static_cast<int>(LARDER_KEY_STREAM) == static_cast<int>(larder::KeyType::kStream));

constexpr unsigned kEventClasses = LARDER_EVENT_CHANGES | LARDER_EVENT_MISS;

larder::CallbackOptions OptionsOf(const larder_callback_options* given, void* arg) {
  larder::CallbackOptions options;
  if (given == nullptr) return options;
  if (given->bytes_max != 0) options.bytes_max = given->bytes_max;
  if (given->close_on_overflow != 0) options.on_overflow = larder::OnOverflow::kClose;
  if (given->dropped != nullptr) {
    options.on_dropped = [dropped = given->dropped, arg](uint64_t count) { dropped(arg, count); };
  }
  return options;
}

bool IsKind(larder_channel_kind kind) { return kind >= LARDER_CHANNEL && kind <= LARDER_SHARD_CHANNEL; }
larder_status NoSuchKind(larder_error* error) { return Fail(LARDER_INVALID_ARGUMENT, "kind: no such kind", error); }

absl::StatusOr<larder::Channels> ChannelsOf(larder_channel_kind kind, size_t count, const char* const* names,
                                            const size_t* lengths) {
  larder::Channels channels;
  const Arguments arguments(count, names, lengths);
  if (!arguments.status().ok()) return absl::InvalidArgumentError("names, or a name in it, is NULL, or count is wrong");
  auto& to = kind == LARDER_CHANNEL   ? channels.channels
             : kind == LARDER_PATTERN ? channels.patterns
                                      : channels.shard_channels;
  to.assign(arguments.span().begin(), arguments.span().end());
  return channels;
}

void TellMessage(larder_message_fn callback, void* arg, const larder::Message& message) {
  const larder_message told = {static_cast<larder_channel_kind>(message.by),
                               message.channel.data(),
                               message.channel.size(),
                               message.pattern.data(),
                               message.pattern.size(),
                               message.payload.data(),
                               message.payload.size()};
  callback(arg, &told);
}

void TellEvent(larder_event_fn callback, void* arg, const larder::Event& event) {
  const larder_old_value old = {event.old_value};
  const larder_event told = {static_cast<unsigned>(event.event_class),
                             static_cast<larder_event_reason>(event.reason),
                             event.db,
                             event.other_db,
                             event.name.data(),
                             event.name.size(),
                             event.key.data(),
                             event.key.size(),
                             event.old_value != nullptr ? &old : nullptr};
  callback(arg, &told);
}

void SetText(std::string_view text, larder_old_element* to) {
  to->text = text.data();
  to->text_length = text.size();
}
void SetValue(std::string_view value, larder_old_element* to) {
  to->value = value.data();
  to->value_length = value.size();
}

// Each returns whether to go on.
bool Visit(const std::string& element, larder_old_element_fn visit, void* arg) {
  larder_old_element told = {};
  told.value = "";
  SetText(element, &told);
  return visit(arg, &told) == 0;
}
bool Visit(const larder::Hash::Entry& entry, larder_old_element_fn visit, void* arg) {
  larder_old_element told = {};
  SetText(entry.first, &told);
  SetValue(entry.second, &told);
  return visit(arg, &told) == 0;
}
bool Visit(const larder::ScoredMember& member, larder_old_element_fn visit, void* arg) {
  larder_old_element told = {};
  told.value = "";
  told.score = member.score;
  SetText(member.member, &told);
  return visit(arg, &told) == 0;
}
bool Visit(const larder::StreamEntry& entry, larder_old_element_fn visit, void* arg) {
  for (const auto& [field, value] : entry.fields) {
    larder_old_element told = {};
    told.ms = entry.id.ms;
    told.sequence = entry.id.sequence;
    SetText(field, &told);
    SetValue(value, &told);
    if (visit(arg, &told) != 0) return false;
  }
  return true;
}

template <class Element>
absl::Status VisitAll(const larder::OldValue& old, larder_old_element_fn visit, void* arg) {
  auto elements = old.Elements<Element>();
  for (const Element& element : elements) {
    if (!Visit(element, visit, arg)) return absl::OkStatus();
  }
  return elements.status();
}

}  // namespace

extern "C" {

larder_status larder_publish(larder_cache* cache, larder_channel_kind kind, const char* channel, size_t channel_length,
                             const char* payload, size_t payload_length, int64_t* receivers, larder_error* error) {
  if (receivers != nullptr) *receivers = 0;
  LARDER_NEED(cache);
  LARDER_NEED_BYTES(channel, channel_length);
  LARDER_NEED_BYTES(payload, payload_length);
  if (kind != LARDER_CHANNEL && kind != LARDER_SHARD_CHANNEL) return NoSuchKind(error);
  return Guard(error, [&]() -> absl::Status {
    const std::string_view name(channel, channel_length);
    const std::string_view message(payload, payload_length);
    const absl::StatusOr<int64_t> sent = kind == LARDER_CHANNEL ? larder::Publish(*cache->cache, name, message)
                                                                : larder::PublishToShard(*cache->cache, name, message);
    if (!sent.ok()) return sent.status();
    if (receivers != nullptr) *receivers = *sent;
    return absl::OkStatus();
  });
}

larder_status larder_subscription_new(larder_cache* cache, larder_message_fn callback, void* arg,
                                      const larder_callback_options* options, larder_subscription** subscription,
                                      larder_error* error) {
  LARDER_NEED(subscription);
  *subscription = nullptr;
  LARDER_NEED(cache);
  LARDER_NEED(callback);
  return Guard(error, [&]() -> absl::Status {
    auto holder = std::make_unique<larder_subscription>();
    auto made = cache->cache->Subscribe(
        larder::Channels(), [callback, arg](const larder::Message& message) { TellMessage(callback, arg, message); },
        OptionsOf(options, arg));
    if (!made.ok()) return made.status();
    holder->subscription.emplace(*std::move(made));
    *subscription = holder.release();
    return absl::OkStatus();
  });
}

larder_status larder_subscription_add(larder_subscription* subscription, larder_channel_kind kind, size_t count,
                                      const char* const* names, const size_t* lengths, larder_error* error) {
  LARDER_NEED(subscription);
  if (!IsKind(kind)) return NoSuchKind(error);
  return Guard(error, [&]() -> absl::Status {
    const absl::StatusOr<larder::Channels> channels = ChannelsOf(kind, count, names, lengths);
    return channels.ok() ? subscription->subscription->Add(*channels) : channels.status();
  });
}

larder_status larder_subscription_remove(larder_subscription* subscription, larder_channel_kind kind, size_t count,
                                         const char* const* names, const size_t* lengths, larder_error* error) {
  LARDER_NEED(subscription);
  if (!IsKind(kind)) return NoSuchKind(error);
  return Guard(error, [&]() -> absl::Status {
    const absl::StatusOr<larder::Channels> channels = ChannelsOf(kind, count, names, lengths);
    return channels.ok() ? subscription->subscription->Remove(*channels) : channels.status();
  });
}

int larder_subscription_closed(const larder_subscription* subscription) {
  return subscription != nullptr && subscription->subscription->closed() ? 1 : 0;
}
uint64_t larder_subscription_dropped(const larder_subscription* subscription) {
  return subscription != nullptr ? subscription->subscription->dropped() : 0;
}
void larder_subscription_free(larder_subscription* subscription) { delete subscription; }

larder_status larder_on_event(larder_cache* cache, unsigned classes, const char* match, size_t match_length,
                              int old_values, larder_event_fn callback, void* arg,
                              const larder_callback_options* options, larder_event_subscription** subscription,
                              larder_error* error) {
  LARDER_NEED(subscription);
  *subscription = nullptr;
  LARDER_NEED(cache);
  LARDER_NEED(callback);
  LARDER_NEED_BYTES(match, match_length);
  if ((classes & ~kEventClasses) != 0) return Fail(LARDER_INVALID_ARGUMENT, "classes: no such class", error);
  return Guard(error, [&]() -> absl::Status {
    auto holder = std::make_unique<larder_event_subscription>();
    larder::EventOptions own;
    own.old_values = old_values != 0;
    own.match.assign(match != nullptr ? match : "", match_length);
    own.callbacks = OptionsOf(options, arg);
    auto made = cache->cache->OnEvent(
        static_cast<larder::EventClass>(classes),
        [callback, arg](const larder::Event& event) { TellEvent(callback, arg, event); }, std::move(own));
    if (!made.ok()) return made.status();
    holder->subscription.emplace(*std::move(made));
    *subscription = holder.release();
    return absl::OkStatus();
  });
}

int larder_event_subscription_closed(const larder_event_subscription* subscription) {
  return subscription != nullptr && subscription->subscription->closed() ? 1 : 0;
}
uint64_t larder_event_subscription_dropped(const larder_event_subscription* subscription) {
  return subscription != nullptr ? subscription->subscription->dropped() : 0;
}
void larder_event_subscription_free(larder_event_subscription* subscription) { delete subscription; }

larder_key_type larder_old_type(const larder_old_value* old) {
  return old != nullptr ? static_cast<larder_key_type>(old->value->type()) : LARDER_KEY_STRING;
}
const char* larder_old_string(const larder_old_value* old, size_t* length) {
  const std::string_view text = old != nullptr ? old->value->string() : std::string_view();
  if (length != nullptr) *length = text.size();
  return text.data() != nullptr ? text.data() : "";
}
size_t larder_old_size(const larder_old_value* old) { return old != nullptr ? old->value->size() : 0; }

larder_status larder_old_elements(const larder_old_value* old, larder_old_element_fn visit, void* arg,
                                  larder_error* error) {
  LARDER_NEED(old);
  LARDER_NEED(visit);
  return Guard(error, [&]() -> absl::Status {
    switch (old->value->type()) {
      case larder::KeyType::kString: break;
      case larder::KeyType::kList:
      case larder::KeyType::kSet: return VisitAll<std::string>(*old->value, visit, arg);
      case larder::KeyType::kSortedSet: return VisitAll<larder::ScoredMember>(*old->value, visit, arg);
      case larder::KeyType::kHash: return VisitAll<larder::Hash::Entry>(*old->value, visit, arg);
      case larder::KeyType::kStream: return VisitAll<larder::StreamEntry>(*old->value, visit, arg);
    }
    return absl::FailedPreconditionError("the old value is a string, which has no elements");
  });
}

}  // extern "C"
