// The registry's index: a table of chains by id.
//
// Ids are counted up, so their low bits spread clients evenly whoever stays; whoever wanted a chain of n had to come and
// go a table's size times for each of them. Without memory to grow the chains get longer, and nothing fails.
#include "lib/engine/client.h"

#include <new>
#include <utility>

namespace larder::inline v0::engine {

Clients::~Clients() {
  if (buckets_ != few_) delete[] buckets_;
}

void Clients::Add(ClientState* client) {
  if (count_ >= bucket_count_) Resize(bucket_count_ * 2);
  client->id = ++last_id_;
  client->previous = last_;
  client->next = nullptr;
  (last_ != nullptr ? last_->next : first_) = client;
  last_ = client;
  client->next_in_bucket = std::exchange(BucketOf(client->id), client);
  ++count_;
}

void Clients::Remove(ClientState* client) {
  (client->previous != nullptr ? client->previous->next : first_) = client->next;
  (client->next != nullptr ? client->next->previous : last_) = client->previous;
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
  for (ClientState* client = first_; client != nullptr; client = client->next) {
    client->next_in_bucket = std::exchange(BucketOf(client->id), client);
  }
}

}  // namespace larder::inline v0::engine
