// The registry's index: a table of chains by id.
//
// Ids are counted up, so their low bits spread clients evenly whoever stays; whoever wanted a chain of n had to come
// and go a table's size times for each of them. Without memory to grow the chains get longer, and nothing fails.
#include "lib/engine/client.h"

#include <new>
#include <utility>

#include "lib/keyspace/errors.h"

namespace larder::inline v0::engine {
namespace {

constexpr ErrorText kBadName{absl::StatusCode::kInvalidArgument,
                             "ERR Client names cannot contain spaces, newlines or special characters."};

}  // namespace

bool ClientState::SetAddresses(Bytes peer, Bytes local) {
  peer_size = static_cast<uint32_t>(peer.size());
  return addresses.Assign(peer, local);
}

Error SetName(ClientState& client, Bytes name) {
  for (char c : name) {
    if (c < '!' || c > '~') return kBadName;
  }
  base::Buffer copy;
  if (!copy.Append(name)) return errors::kAllocationFailed;
  client.name.Swap(copy);
  return kOk;
}

Clients::~Clients() {
  if (buckets_ != few_) delete[] buckets_;
}

void Clients::Add(ClientState* client) {
  if (count_ >= bucket_count_) Resize(bucket_count_ * 2);
  client->id = ++last_id_;
  all_.PushBack(*client);
  client->next_in_bucket = std::exchange(BucketOf(client->id), client);
  ++count_;
}

void Clients::Remove(ClientState* client) {
  all_.Remove(*client);
  ClientState** link = &BucketOf(client->id);
  while (*link != client) link = &(*link)->next_in_bucket;
  *link = client->next_in_bucket;
  --count_;
  if (count_ < bucket_count_ / 8 && bucket_count_ > kBucketsMin) Resize(bucket_count_ / 2);
}

ClientState* Clients::Find(uint64_t id) const {
  for (ClientState* client = BucketOf(id); client != nullptr; client = client->next_in_bucket) {
    ++steps_;
    if (client->id == id) return client;
  }
  return nullptr;
}

void Clients::Resize(size_t bucket_count) {
  ClientState** const now = new (std::nothrow) ClientState*[bucket_count]();
  if (now == nullptr) return;
  if (buckets_ != few_) delete[] buckets_;
  buckets_ = now;
  bucket_count_ = bucket_count;
  for (ClientState* client = all_.front(); client != nullptr; client = client->in_clients.next) {
    client->next_in_bucket = std::exchange(BucketOf(client->id), client);
  }
}

}  // namespace larder::inline v0::engine
