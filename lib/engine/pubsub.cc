#include "lib/engine/pubsub.h"

#include <cstring>
#include <new>

#include "lib/base/check.h"
#include "lib/base/glob.h"
#include "lib/engine/engine.h"
#include "lib/resp/output.h"
#include "lib/resp/writer.h"

namespace larder::inline v0::engine {
namespace {

// A channel's id, composed where it stands. Names of up to some hundred bytes take no allocation.
class Id {
 public:
  Id(ChannelKind kind, Bytes name) : size_(1 + name.size()) {
    char* const to = size_ > sizeof(room_) ? large_.Extend(size_) : room_;
    if (to == nullptr) return;
    to[0] = static_cast<char>(kind);
    base::CopyBytes(to + 1, name);
    data_ = to;
  }
  bool ok() const { return data_ != nullptr; }
  Bytes bytes() const { return {data_, size_}; }

 private:
  char room_[512];
  base::Buffer large_;
  size_t size_;
  const char* data_ = nullptr;
};

}  // namespace

bool ChannelMatches(Bytes pattern, Bytes channel) {
  return channel.empty() ? pattern.empty() : base::GlobMatch(pattern, channel);
}

const memory::BlockRef* ShareContent(memory::Heap& blocks, const Published& published) {
  if (!*published.shared) {
    const size_t size = published.channel.size() + published.message.size();
    memory::Block* const block = blocks.New(size, size);
    if (block == nullptr) return nullptr;
    base::CopyBytes(block->data(), published.channel);
    base::CopyBytes(block->data() + published.channel.size(), published.message);
    *published.shared = memory::BlockRef::Adopt(block);
  }
  return published.shared;
}

class PubSub::Message {
 public:
  Message(memory::Heap& blocks, const Published& published) : blocks_(blocks), published_(published) {}

  const Published& published() const { return published_; }

  // nullptr without memory. A large message is a block that all texts share.
  const resp::Output* Text(int protocol) LARDER_REQUIRES_HOLDER {
    resp::Output& text = texts_[protocol == 2 ? 0 : 1];
    if (text.empty() && !text.failed() && !Compose(text, protocol)) return nullptr;
    return text.failed() ? nullptr : &text;
  }

 private:
  bool Compose(resp::Output& text, int protocol) const LARDER_REQUIRES_HOLDER {
    const bool by_reference = published_.message.size() >= resp::Output::kByReferenceMin;
    const memory::BlockRef* const block = by_reference ? ShareContent(blocks_, published_) : nullptr;
    if (by_reference && block == nullptr) return false;
    resp::ReplyWriter out(text, protocol);
    if (published_.kind == ChannelKind::kPattern) {
      out.Push(4);
      out.Bulk("pmessage");
      out.Bulk(published_.pattern);
    } else {
      out.Push(3);
      out.Bulk(published_.kind == ChannelKind::kShardChannel ? "smessage" : "message");
    }
    out.Bulk(published_.channel);
    if (by_reference) out.BulkBlock(*block, published_.channel.size(), published_.message.size());
    else out.Bulk(published_.message);
    return true;
  }

  memory::Heap& blocks_;
  const Published published_;
  resp::Output texts_[2];
};

PubSub::PubSub(keyspace::Keyspace& keyspace, EngineHost& host)
    : keyspace_(keyspace),
      host_(host),
      channels_(ChannelPolicy{keyspace.hash_seed()}, &keyspace.arena()),
      pairs_(PairPolicy{keyspace.hash_seed()}, &keyspace.arena()) {}

PubSub::~PubSub() { LARDER_DCHECK(channels_.empty() && pairs_.empty() && bytes() == 0); }

// ---- Channels and subscriptions -------------------------------------------------------------------------------------

// nullptr if there is none. A name for which there is no memory is nobody's.
Channel* PubSub::Find(ChannelKind kind, Bytes name) const {
  const Id id(kind, name);
  return id.ok() ? channels_.Find(id.bytes(), channels_.policy().HashOf(id.bytes())) : nullptr;
}

// nullptr without memory.
Channel* PubSub::Make(Bytes id, uint64_t hash) {
  memory::Arena& arena = keyspace_.arena();
  void* const memory = arena.Allocate(sizeof(Channel) + id.size());
  if (memory == nullptr) return nullptr;
  Channel* const channel = new (memory) Channel();
  channel->id_size = id.size();
  std::memcpy(static_cast<void*>(channel + 1), id.data(), id.size());
  if (!channels_.Insert(channel, hash)) {
    arena.Free(channel, channel->footprint());
    return nullptr;
  }
  const int kind = static_cast<int>(channel->kind());
  lists_[kind].PushBack(*channel);
  ++counts_[kind];
  return channel;
}

// REQUIRES: nobody is subscribed to it.
void PubSub::Forget(Channel* channel) {
  LARDER_DCHECK(channel->subscriptions.empty());
  const int kind = static_cast<int>(channel->kind());
  lists_[kind].Remove(*channel);
  --counts_[kind];
  channels_.Remove(channel->id(), channels_.policy().Hash(channel));
  keyspace_.arena().Free(channel, channel->footprint());
}

bool PubSub::Subscribe(ClientState& client, ChannelKind kind, Bytes name) {
  LARDER_DCHECK(client.io != nullptr);
  const Id id(kind, name);
  if (!id.ok() || !MakeLists(client.subscriptions)) return false;
  const uint64_t hash = channels_.policy().HashOf(id.bytes());
  Channel* channel = channels_.Find(id.bytes(), hash);
  if (channel != nullptr) {
    const Pair pair{channel, &client};
    if (pairs_.Find(pair.bytes(), pairs_.policy().HashOf(pair)) != nullptr) return true;
  } else {
    channel = Make(id.bytes(), hash);
    if (channel == nullptr) {
      FreeUnusedLists(client.subscriptions);
      return false;
    }
  }
  if (void* const memory = keyspace_.arena().Allocate(sizeof(Subscription)); memory != nullptr) {
    Subscription* const subscription = new (memory) Subscription();
    subscription->client = &client;
    subscription->channel = channel;
    if (pairs_.Insert(subscription, pairs_.policy().Hash(subscription))) {
      Link(subscription);
      return true;
    }
    keyspace_.arena().Free(subscription, sizeof(Subscription));
  }
  if (channel->subscriptions.empty()) Forget(channel);
  FreeUnusedLists(client.subscriptions);
  return false;
}

bool PubSub::MakeLists(ClientSubscriptions& client) {
  if (client.lists_ != nullptr) return true;
  void* const memory = keyspace_.arena().Allocate(sizeof(SubscriptionLists));
  if (memory == nullptr) return false;
  client.lists_ = new (memory) SubscriptionLists();
  client.lists_->bytes = sizeof(SubscriptionLists);
  Count(sizeof(SubscriptionLists));
  return true;
}

void PubSub::FreeUnusedLists(ClientSubscriptions& client) {
  if (client.total() != 0) return;
  LARDER_DCHECK(client.bytes() == sizeof(SubscriptionLists));
  keyspace_.arena().Free(client.lists_, sizeof(SubscriptionLists));
  client.lists_ = nullptr;
  Count(-sizeof(SubscriptionLists));
}

// The channel counts for the first of its subscribers.
void PubSub::Link(Subscription* subscription) {
  Channel& channel = *subscription->channel;
  SubscriptionLists& client = *subscription->client->subscriptions.lists_;
  const int kind = static_cast<int>(channel.kind());
  const size_t bytes = sizeof(Subscription) + (channel.subscriptions.empty() ? channel.footprint() : 0);
  channel.subscriptions.PushBack(*subscription);
  ++channel.count;
  client.lists[kind].PushBack(*subscription);
  ++client.counts[kind];
  client.bytes += bytes;
  subscription->client->subscriptions.any_.store(true, std::memory_order_relaxed);
  Count(bytes);
}

void PubSub::Remove(Subscription* subscription) {
  ++steps_;
  Channel* const channel = subscription->channel;
  ClientSubscriptions& subscriptions = subscription->client->subscriptions;
  SubscriptionLists& client = *subscriptions.lists_;
  const int kind = static_cast<int>(channel->kind());
  const Pair pair{channel, subscription->client};
  pairs_.Remove(pair.bytes(), pairs_.policy().HashOf(pair));
  const bool was_first = channel->subscriptions.front() == subscription;
  channel->subscriptions.Remove(*subscription);
  --channel->count;
  client.lists[kind].Remove(*subscription);
  --client.counts[kind];
  const size_t bytes = sizeof(Subscription) + (was_first ? channel->footprint() : 0);
  client.bytes -= bytes;
  Count(-bytes);
  if (subscriptions.total() == 0) subscriptions.any_.store(false, std::memory_order_relaxed);
  FreeUnusedLists(subscriptions);
  keyspace_.arena().Free(subscription, sizeof(Subscription));
  if (channel->subscriptions.empty()) return Forget(channel);
  if (!was_first) return;
  channel->subscriptions.front()->client->subscriptions.lists_->bytes += channel->footprint();
  Count(channel->footprint());
}

void PubSub::Unsubscribe(ClientState& client, ChannelKind kind, Bytes name) {
  const Channel* const channel = Find(kind, name);
  if (channel == nullptr) return;
  const Pair pair{channel, &client};
  Subscription* const subscription = pairs_.Find(pair.bytes(), pairs_.policy().HashOf(pair));
  if (subscription != nullptr) Remove(subscription);
}

bool PubSub::RemoveSome(ClientState& client, size_t max) {
  for (const ChannelKind kind : {ChannelKind::kChannel, ChannelKind::kPattern, ChannelKind::kShardChannel}) {
    for (; client.subscriptions.first(kind) != nullptr && max != 0; --max) Remove(client.subscriptions.first(kind));
  }
  return !client.subscriptions.any();
}

// ---- Messages -------------------------------------------------------------------------------------------------------

void PubSub::Deliver(ClientState& client, Message& message) {
  if (Gone(client) || client.close_after_reply) return;
  if (MessageReceiver* const receiver = client.io->receiver()) return receiver->Receive(message.published());
  const resp::Output* const text = message.Text(client.protocol);
  if (text == nullptr) {
    host_.Log(LogLevel::kWarning, "a subscriber is closed: there is no memory for its message");
    return client.io->CloseSoon();
  }
  ReplyInProgress* const reply = client.reply_in_progress;
  // What stands in front of the command's own reply is not taken back with it, nor by CLIENT REPLY.
  const bool in_front = reply != nullptr && reply->writer->Mark() == reply->mark;
  if (reply == nullptr || (client.reply_mode.silent() && !in_front)) return client.io->PushOutput(*text);
  (void)reply->writer->output().Append(*text);  // without memory the client's whole reply is lost, and it is closed
  if (in_front) reply->mark = reply->writer->Mark();
}

int64_t PubSub::SendTo(const Channel& channel, Message& message) {
  int64_t sent = 0;
  for (Subscription* each = channel.subscriptions.front(); each != nullptr; each = each->in_channel.next) {
    ++steps_;
    sent += !Gone(*each->client);
    Deliver(*each->client, message);
  }
  return sent;
}

int64_t PubSub::Publish(ChannelKind kind, Bytes channel, Bytes message) {
  int64_t sent = 0;
  memory::BlockRef shared;
  if (const Channel* const there = Find(kind, channel); there != nullptr) {
    Message to_subscribers(keyspace_.blocks(), {kind, Bytes(), channel, message, &shared});
    sent += SendTo(*there, to_subscribers);
  }
  if (kind != ChannelKind::kChannel) return sent;
  for (const Channel* each = channels(ChannelKind::kPattern).front(); each != nullptr; each = each->in_kind.next) {
    ++steps_;
    const Bytes pattern = each->name();
    if (!ChannelMatches(pattern, channel)) continue;
    Message by_pattern(keyspace_.blocks(), {ChannelKind::kPattern, pattern, channel, message, &shared});
    sent += SendTo(*each, by_pattern);
  }
  return sent;
}

size_t PubSub::CostOf(ChannelKind kind, Bytes channel) const {
  const size_t patterns = kind == ChannelKind::kChannel ? count(ChannelKind::kPattern) : 0;
  return SubscribersOf(kind, channel) + patterns;
}

size_t PubSub::SubscribersOf(ChannelKind kind, Bytes name) const {
  const Channel* const channel = Find(kind, name);
  return channel != nullptr ? channel->count : 0;
}

}  // namespace larder::inline v0::engine
