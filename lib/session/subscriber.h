// Subscriber: a subscriber in this process, whose messages are callbacks. lib/pubsub.h is its public face.
//
// For PubSub it is a client with an io of its own kind: PUBSUB's counts and INFO's know it as they know any other. It
// is not among the cache's clients, so CLIENT LIST does not show it, and CLIENT KILL does not find it.
//
// A message of up to 1 KB, its channel's name included, is copied for each receiver. A longer one is copied once, and
// all receivers share it.
#ifndef LARDER_SESSION_SUBSCRIBER_H_
#define LARDER_SESSION_SUBSCRIBER_H_

#include <cstddef>
#include <functional>
#include <span>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <larder/pubsub.h>
#include "lib/base/holder.h"
#include "lib/core/callback_queue.h"
#include "lib/core/core.h"
#include "lib/engine/client.h"
#include "lib/engine/pubsub.h"

namespace larder::inline v0::session {

class Subscriber final : public core::CallbackQueue, private engine::ClientIo, private engine::MessageReceiver {
 public:
  // nullptr without memory.
  static Subscriber* Create(core::CacheCore& core, std::function<void(const Message&)> callback,
                            CallbackOptions options);

  // The names of one kind, all or none. Others have their turn in between. One thread at a time.
  absl::Status Subscribe(engine::ChannelKind kind, std::span<const std::string_view> names);
  absl::Status Unsubscribe(engine::ChannelKind kind, std::span<const std::string_view> names);
  // Takes back the newest subscriptions of a kind until `count` are left.
  void Shorten(engine::ChannelKind kind, size_t count);
  absl::StatusOr<size_t> Count(engine::ChannelKind kind);

  // CallbackQueue::End, for the handle: subscriptions end in slices before it.
  void EndAll();

 private:
  struct MessageItem;

  Subscriber(core::CacheCore& core, std::function<void(const Message&)> callback, CallbackOptions options);
  ~Subscriber() override;

  absl::Status RunInSlices(std::string_view command, std::span<const std::string_view> names,
                           absl::FunctionRef<bool(std::string_view)> run);
  void RemoveSubscriptions();
  MessageItem* MakeItem(const engine::Published& published, size_t counted) LARDER_REQUIRES_HOLDER;

  // MessageReceiver.
  void Receive(const engine::Published& published) override LARDER_REQUIRES_HOLDER;
  // CallbackQueue.
  void Call(const Item& item) override;
  void Leave() override LARDER_REQUIRES_HOLDER;
  void Closed() override { RemoveSubscriptions(); }
  void Release(Item* item) override;
  void ReleaseUser() override;
  // ClientIo: there are no bytes to move.
  size_t input_bytes() const override { return 0; }
  size_t input_free() const override { return 0; }
  size_t output_bytes() const override { return 0; }
  size_t output_list_length() const override { return 0; }
  char const* events() const override { return ""; }
  size_t memory() const override { return 0; }
  void CloseSoon() override {}
  void Resume() override {}
  bool PreparePush() override { return true; }
  void Push(Bytes) override {}
  void PushOutput(const resp::Output&) override {}
  engine::MessageReceiver* receiver() override { return this; }

  std::function<void(const Message&)> callback_;
  engine::ClientState client_ LARDER_GUARDED_BY_HOLDER;
};

}  // namespace larder::inline v0::session

#endif  // LARDER_SESSION_SUBSCRIBER_H_
