#include "lib/session/subscriber.h"

#include <algorithm>
#include <new>
#include <utility>

#include "absl/functional/function_ref.h"
#include "lib/base/bytes.h"
#include "lib/base/error_texts.h"
#include "lib/base/status.h"
#include "lib/engine/engine.h"
#include "lib/keyspace/errors.h"

namespace larder::inline v0::session {
namespace {

using engine::ChannelKind;

// How many subscriptions come or go in one hold on the executor.
constexpr size_t kAtOnce = 64;
// Channel and message up to this size are copied for each receiver.
constexpr size_t kCopiedMax = 1024;

constexpr std::string_view kSubscribes[] = {"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"};
constexpr std::string_view kUnsubscribes[] = {"UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"};

static_assert(static_cast<int>(ChannelKind::kChannel) == static_cast<int>(Message::By::kChannel) &&
              static_cast<int>(ChannelKind::kPattern) == static_cast<int>(Message::By::kPattern) &&
              static_cast<int>(ChannelKind::kShardChannel) == static_cast<int>(Message::By::kShardChannel));

}  // namespace

// Behind it: the pattern, then channel and message unless they are in `shared`.
struct Subscriber::MessageItem : Item {
  ChannelKind kind;
  size_t pattern_size;
  size_t channel_size;
  size_t message_size;
  memory::BlockRef shared;

  const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }
};

Subscriber::Subscriber(core::CacheCore& core, std::function<void(const Message&)> callback, CallbackOptions options)
    : CallbackQueue(core, std::move(options)), callback_(std::move(callback)) {
  base::AssertHolder();  // nobody knows it yet
  client_.io = this;
}

Subscriber::~Subscriber() = default;

Subscriber* Subscriber::Create(core::CacheCore& core, std::function<void(const Message&)> callback,
                               CallbackOptions options) {
  return Complete(new (std::nothrow) Subscriber(core, std::move(callback), std::move(options)));
}

// ---- Subscriptions --------------------------------------------------------------------------------------------------

// `run` returns false without memory, or if the queue is closed.
absl::Status Subscriber::RunInSlices(std::string_view command, std::span<const std::string_view> names,
                                     absl::FunctionRef<bool(std::string_view)> run) {
  bool filled = true;
  while (!names.empty() && filled) {
    const std::span<const std::string_view> slice = names.first(std::min(names.size(), kAtOnce));
    const absl::Status status = core().Run([&]() LARDER_REQUIRES_HOLDER {
      if (core().monitored()) {
        engine::Monitors& monitors = core().engine().monitors();
        monitors.BeginLine(core().clock().NowUs(), 0, engine::kOwnCaller);
        monitors.Add(command);
        monitors.Add(slice);
        monitors.EndLine();
      }
      for (size_t i = 0; i < slice.size() && filled; ++i) filled = run(slice[i]);
    });
    if (!status.ok()) return status;
    names = names.subspan(slice.size());
  }
  return filled ? absl::OkStatus() : base::NoMemory(base::kNoMemoryForSubscription);
}

absl::Status Subscriber::Subscribe(ChannelKind kind, std::span<const std::string_view> names) {
  return RunInSlices(kSubscribes[static_cast<int>(kind)], names, [&](std::string_view name) {
    base::AssertHolder();
    return !closed() && core().engine().pubsub().Subscribe(client_, kind, name);
  });
}

absl::Status Subscriber::Unsubscribe(ChannelKind kind, std::span<const std::string_view> names) {
  return RunInSlices(kUnsubscribes[static_cast<int>(kind)], names, [&](std::string_view name) {
    base::AssertHolder();
    core().engine().pubsub().Unsubscribe(client_, kind, name);
    return true;
  });
}

absl::StatusOr<size_t> Subscriber::Count(ChannelKind kind) {
  size_t count = 0;
  const absl::Status status =
      core().Run([&]() LARDER_REQUIRES_HOLDER { count = client_.subscriptions.count(kind); });
  if (!status.ok()) return status;
  return count;
}

void Subscriber::Shorten(ChannelKind kind, size_t count) {
  bool more = true;
  while (more) {
    const absl::Status status = core().Run([&]() LARDER_REQUIRES_HOLDER {
      for (size_t i = 0; i < kAtOnce && client_.subscriptions.count(kind) > count; ++i) {
        core().engine().pubsub().Remove(client_.subscriptions.last(kind));
      }
      more = client_.subscriptions.count(kind) > count;
    });
    if (!status.ok()) return;  // the cache is closed, and ends them all
  }
}

void Subscriber::RemoveSubscriptions() {
  bool done = false;
  while (!done) {
    const absl::Status status = core().Run(
        [&]() LARDER_REQUIRES_HOLDER { done = core().engine().pubsub().RemoveSome(client_, kAtOnce); });
    if (!status.ok()) return;  // inside the user's code the end removes them in one hold
  }
}

void Subscriber::Leave() { core().engine().pubsub().RemoveSome(client_, SIZE_MAX); }

void Subscriber::EndAll() {
  RemoveSubscriptions();
  End();
}

// ---- Messages -------------------------------------------------------------------------------------------------------

// nullptr without memory.
Subscriber::MessageItem* Subscriber::MakeItem(const engine::Published& published, size_t counted) {
  memory::Heap& blocks = core().engine().keyspace().blocks();
  const size_t content = published.channel.size() + published.message.size();
  const bool shares = content > kCopiedMax;
  if (shares && engine::ShareContent(blocks, published) == nullptr) return nullptr;
  const size_t size = sizeof(MessageItem) + published.pattern.size() + (shares ? 0 : content);
  memory::Block* const block = blocks.New(size, size);
  if (block == nullptr) return nullptr;
  MessageItem* const item = new (block->data()) MessageItem();
  item->block = block;
  item->counted = counted;
  item->kind = published.kind;
  item->pattern_size = published.pattern.size();
  item->channel_size = published.channel.size();
  item->message_size = published.message.size();
  char* const to = block->data() + sizeof(MessageItem);
  base::CopyBytes(to, published.pattern);
  if (shares) {
    item->shared = *published.shared;
  } else {
    base::CopyBytes(to + published.pattern.size(), published.channel);
    base::CopyBytes(to + published.pattern.size() + published.channel.size(), published.message);
  }
  return item;
}

void Subscriber::Receive(const engine::Published& published) {
  const size_t counted = sizeof(memory::Block) + sizeof(MessageItem) + published.pattern.size() +
                         published.channel.size() + published.message.size();
  if (!Admit(counted)) return;
  MessageItem* const item = MakeItem(published, counted);
  item != nullptr ? Add(item) : Drop();
}

void Subscriber::Call(const Item& queued) {
  const MessageItem& item = static_cast<const MessageItem&>(queued);
  const char* const content = item.shared ? item.shared->data() : item.bytes() + item.pattern_size;
  Message message;
  message.by = static_cast<Message::By>(item.kind);
  message.pattern = {item.bytes(), item.pattern_size};
  message.channel = {content, item.channel_size};
  message.payload = {content + item.channel_size, item.message_size};
  callback_(message);
}

void Subscriber::Release(Item* item) { static_cast<MessageItem*>(item)->~MessageItem(); }

void Subscriber::ReleaseUser() { callback_ = nullptr; }

}  // namespace larder::inline v0::session
