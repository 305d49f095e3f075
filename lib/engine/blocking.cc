#include "lib/engine/blocking.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <new>
#include <utility>

#include "lib/base/check.h"
#include "lib/engine/dispatch.h"
#include "lib/engine/engine.h"
#include "lib/keyspace/errors.h"

namespace larder::inline v0::engine {
namespace {

constexpr ErrorText kUnblocked{absl::StatusCode::kAborted, "UNBLOCKED client unblocked via CLIENT UNBLOCK"};

constexpr size_t kReplyKept = 4096;  // of the memory that the last reply was written in
constexpr size_t kHeapMin = 16;

size_t IndexOf(keyspace::Type type) { return static_cast<size_t>(type); }

bool IsStream(const keyspace::Entry* entry) { return entry != nullptr && entry->type() == keyspace::Type::kStream; }

bool IsXAdd(const keyspace::Effect& effect) {
  return effect.event_class == keyspace::EventClass::kStream && effect.event == "xadd";
}

// Redis deletes what was there first, so that the key comes to be anew.
bool Replaces(const keyspace::Effect& effect) {
  return effect.event_class == keyspace::EventClass::kGeneric &&
         (effect.event == "copy_to" || effect.event == "rename_to" || effect.event == "restore");
}

bool IsGroupEnd(const keyspace::Effect& effect) {
  return effect.event_class == keyspace::EventClass::kStream && effect.event == "xgroup-destroy";
}

}  // namespace

Blocking::Blocking(Engine& engine)
    : engine_(engine),
      keyspace_(engine.keyspace()),
      keys_(KeyPolicy{engine.keyspace().hash_seed()}, &engine.keyspace().arena()) {}

Blocking::~Blocking() {
  LARDER_DCHECK(count_ == 0 && keys_.empty() && heap_size_ == 0);
  keyspace_.extra_memory().fetch_sub(heap_capacity_ * sizeof(Waiter*), std::memory_order_relaxed);
  std::free(heap_);
  Listen(false);
}

void Blocking::Listen(bool on) {
  if (on == listening_) return;
  listening_ = on;
  if (on) {
    keyspace_.effects().Add(this, keyspace::Effects::kEvents);
  } else {
    keyspace_.effects().Remove(this);
  }
}

// ---- Waiters and keys -----------------------------------------------------------------------------------------------

bool Blocking::MayWait(const ClientState& client) { return client.wait_owner != nullptr && !client.in_exec; }

// nullptr without memory.
Waiter* Blocking::Make(CommandContext& ctx, const WaitFor& what) {
  size_t bytes = sizeof(Waiter) + what.keys.size() * sizeof(WaitPlace) + what.argv.size() * sizeof(Bytes);
  for (const Bytes arg : what.argv) bytes += arg.size();
  char* at = static_cast<char*>(keyspace_.arena().Allocate(bytes));
  if (at == nullptr) return nullptr;
  Waiter* const waiter = new (at) Waiter();
  at += sizeof(Waiter);
  WaitPlace* const places = reinterpret_cast<WaitPlace*>(at);
  for (size_t i = 0; i < what.keys.size(); ++i) new (&places[i]) WaitPlace();
  at += what.keys.size() * sizeof(WaitPlace);
  Bytes* const argv = reinterpret_cast<Bytes*>(at);
  at += what.argv.size() * sizeof(Bytes);
  for (size_t i = 0; i < what.argv.size(); ++i) {
    base::CopyBytes(at, what.argv[i]);
    new (&argv[i]) Bytes(at, what.argv[i].size());
    at += what.argv[i].size();
  }
  waiter->client = &ctx.client;
  waiter->spec = &ctx.spec;
  waiter->serve = what.serve;
  waiter->argv = {argv, what.argv.size()};
  waiter->places = {places, what.keys.size()};
  waiter->bytes = bytes;
  waiter->type = what.type;
  waiter->ends_with_key = what.ends_with_key;
  waiter->counts = what.counts;
  waiter->silent = ctx.client.reply_mode.silent();
  if (what.timeout_ms > 0) {
    const int64_t now_ms = ctx.now_ms();
    waiter->timed = true;
    if (what.timeout_ms < INT64_MAX - now_ms) waiter->until_ms = now_ms + what.timeout_ms;
  }
  return waiter;
}

void Blocking::Free(Waiter* waiter) { keyspace_.arena().Free(waiter, waiter->bytes); }

bool Blocking::AddPlace(Waiter* waiter, int db, std::span<const Bytes> keys, size_t index) {
  const KeyId id(db, keys[index]);
  if (!id.ok()) return false;
  const uint64_t hash = keys_.policy().HashOf(id.bytes());
  WaitedKey* waited = keys_.Find(id.bytes(), hash);
  if (waited == nullptr) {
    memory::Arena& arena = keyspace_.arena();
    void* const memory = arena.Allocate(sizeof(WaitedKey) + id.bytes().size());
    if (memory == nullptr) return false;
    waited = new (memory) WaitedKey();
    waited->id_size = id.bytes().size();
    std::memcpy(static_cast<void*>(waited + 1), id.bytes().data(), id.bytes().size());
    if (!keys_.Insert(waited, hash)) {
      arena.Free(waited, waited->footprint());
      return false;
    }
    all_keys_.PushBack(*waited);
    waited->is_stream = IsStream(EntryAt(*waited));
  }
  // A key that is there twice: the last who came is this very waiter.
  if (!waited->places.empty() && waited->places.back()->waiter == waiter) return true;
  // They are taken from the front on. (Found by halves: a command may name very many keys.)
  const auto place = std::partition_point(waiter->places.begin(), waiter->places.end(),
                                          [](const WaitPlace& each) { return each.key != nullptr; });
  place->waiter = waiter;
  place->key = waited;
  place->index = index;
  waited->places.PushBack(*place);
  ++waited->wanted[IndexOf(waiter->type)];
  waited->ends_with_key += waiter->ends_with_key;
  return true;
}

void Blocking::RemovePlaces(Waiter* waiter) {
  for (WaitPlace& place : waiter->places) {
    if (place.key == nullptr) break;
    WaitedKey* const key = std::exchange(place.key, nullptr);
    key->places.Remove(place);
    --key->wanted[IndexOf(waiter->type)];
    key->ends_with_key -= waiter->ends_with_key;
    ForgetKeyIfEmpty(key);
  }
  if (keys_.empty()) Listen(false);
}

void Blocking::ForgetKeyIfEmpty(WaitedKey* key) {
  if (!key->places.empty() || key->pinned) return;
  if (key->ready) ready_.Remove(*key);
  all_keys_.Remove(*key);
  keys_.Remove(key->id(), keys_.policy().Hash(key));
  keyspace_.arena().Free(key, key->footprint());
}

Error Blocking::Add(CommandContext& ctx, const WaitFor& what) {
  ClientState& client = ctx.client;
  LARDER_DCHECK(MayWait(client) && client.waiter == nullptr);
  if (client.io != nullptr && !client.io->PreparePush()) return errors::kAllocationFailed;
  // Room for a short reply, so that a waiter for whose reply there is no memory can be told that.
  if (!reply_.bytes().Reserve(kShortReplyBytes)) {
    reply_.bytes().ClearFailed();
    return errors::kAllocationFailed;
  }
  Waiter* const waiter = Make(ctx, what);
  if (waiter == nullptr) return errors::kAllocationFailed;
  bool ok = true;
  for (size_t i = 0; ok && i < what.keys.size(); ++i) ok = AddPlace(waiter, client.db->index(), what.keys, i);
  if (!ok || (waiter->timed && !HeapPush(waiter))) {
    RemovePlaces(waiter);
    Free(waiter);
    return errors::kAllocationFailed;
  }
  if (!keys_.empty()) Listen(true);
  all_.PushBack(*waiter);
  ++count_;
  if (!waiter->places.empty()) ++count_of_type_[IndexOf(waiter->type)];
  client.waiter = waiter;
  client.waiting.store(true, std::memory_order_relaxed);
  client.cuts_batch = true;
  return kOk;
}

void Blocking::Unlink(Waiter* waiter) {
  RemovePlaces(waiter);
  if (waiter->timed) HeapRemove(waiter);
  all_.Remove(*waiter);
  --count_;
  if (!waiter->places.empty()) --count_of_type_[IndexOf(waiter->type)];
  waiter->client->waiter = nullptr;
}

// Ends a wait: with the reply, or without one.
void Blocking::Finish(Waiter* waiter, resp::Output* reply) {
  ClientState& client = *waiter->client;
  Unlink(waiter);
  if (waiter->silent && reply != nullptr) reply->Clear(kReplyKept);
  Free(waiter);
  client.wait_owner->WaitOver(reply);
  reply_.Clear(kReplyKept);
}

void Blocking::Forget(ClientState& client) {
  if (client.waiter == nullptr) return;
  Waiter* const waiter = client.waiter;
  Unlink(waiter);
  Free(waiter);
  client.waiting.store(false, std::memory_order_relaxed);
}

void Blocking::Cancel(ClientState& client) {
  if (client.waiter != nullptr) Finish(client.waiter, nullptr);
}

void Blocking::CancelAll() {
  while (!all_.empty()) Finish(all_.front(), nullptr);
}

// ---- Time -----------------------------------------------------------------------------------------------------------

void Blocking::PublishSoonest() {
  soonest_ms_.store(heap_size_ != 0 ? heap_[0]->until_ms : INT64_MAX, std::memory_order_relaxed);
}

void Blocking::HeapPlace(Waiter* waiter, size_t at) {
  heap_[at] = waiter;
  waiter->heap_at = at;
}

// Finds the waiter its place, up or down from `at`, which is free.
void Blocking::HeapSettle(Waiter* waiter, size_t at) {
  while (at != 0 && heap_[(at - 1) / 2]->until_ms > waiter->until_ms) {
    HeapPlace(heap_[(at - 1) / 2], at);
    at = (at - 1) / 2;
  }
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= heap_size_) break;
    if (child + 1 < heap_size_ && heap_[child + 1]->until_ms < heap_[child]->until_ms) ++child;
    if (heap_[child]->until_ms >= waiter->until_ms) break;
    HeapPlace(heap_[child], at);
    at = child;
  }
  HeapPlace(waiter, at);
}

// False without memory.
bool Blocking::HeapPush(Waiter* waiter) {
  if (heap_size_ == heap_capacity_) {
    const size_t capacity = heap_capacity_ == 0 ? kHeapMin : heap_capacity_ * 2;
    void* const larger = std::realloc(static_cast<void*>(heap_), capacity * sizeof(Waiter*));
    if (larger == nullptr) return false;
    heap_ = static_cast<Waiter**>(larger);
    keyspace_.extra_memory().fetch_add((capacity - heap_capacity_) * sizeof(Waiter*), std::memory_order_relaxed);
    heap_capacity_ = capacity;
  }
  HeapSettle(waiter, heap_size_++);
  if (waiter->heap_at == 0) {
    PublishSoonest();
    keyspace_.Owe(keyspace::kOwesSoonerExpiry);  // the background is to come sooner
  }
  return true;
}

void Blocking::HeapRemove(Waiter* waiter) {
  const size_t at = waiter->heap_at;
  LARDER_DCHECK(heap_[at] == waiter);
  Waiter* const last = heap_[--heap_size_];
  if (last != waiter) HeapSettle(last, at);
  PublishSoonest();
}

void Blocking::TimeOut(Waiter* waiter) {
  resp::ReplyWriter reply(reply_, waiter->client->protocol);
  waiter->counts ? reply.Int(0) : reply.NullArray();
  Finish(waiter, &reply_);
}

bool Blocking::TimeOutSome(int64_t now_ms, size_t max) {
  for (; heap_size_ != 0 && heap_[0]->until_ms <= now_ms; --max) {
    if (max == 0) return true;
    ++steps_;
    TimeOut(heap_[0]);
  }
  return false;
}

void Blocking::Unblock(ClientState& client, bool with_error) {
  Waiter* const waiter = client.waiter;
  ++engine_.counters(*client.last_command).failed;  // with the reply of a time that is over, too
  if (!with_error) return TimeOut(waiter);
  resp::ReplyWriter reply(reply_, client.protocol);
  reply.Error(kUnblocked);
  engine_.CountError("UNBLOCKED");
  Finish(waiter, &reply_);
}

// ---- Marking --------------------------------------------------------------------------------------------------------

void Blocking::MarkReady(WaitedKey* key) {
  if (key->ready) return;
  key->ready = true;
  ready_.PushBack(*key);
  keyspace_.Owe(keyspace::kOwesWaiters);
}

// *failed: without memory to look.
WaitedKey* Blocking::Find(int db, Bytes key, bool* failed) {
  const KeyId id(db, key);
  *failed = !id.ok();
  return id.ok() ? keys_.Find(id.bytes(), keys_.policy().HashOf(id.bytes())) : nullptr;
}

// What is at the key and has not expired, or nullptr.
const keyspace::Entry* Blocking::EntryAt(const WaitedKey& key) {
  keyspace::Db* const db = keyspace_.db_if_made(key.db());
  if (db == nullptr || db->Look(key.key()) != keyspace::Db::Presence::kThere) return nullptr;
  return db->FindUnchanged(key.key());
}

// Whether it is of a type that somebody waits for, at whatever key.
bool Blocking::IsAwaitedType(const keyspace::Entry* entry) {
  return entry != nullptr && count_of_type_[IndexOf(entry->type())] != 0;
}

// `flushed`: nothing has come to be.
void Blocking::MarkDb(int db, bool flushed) {
  for (WaitedKey* key = all_keys_.front(); key != nullptr; key = key->in_all.next) {
    ++steps_;
    if (key->db() != db) continue;
    const keyspace::Entry* const entry = flushed ? nullptr : EntryAt(*key);
    key->is_stream = IsStream(entry);
    if (key->ends_with_key != 0 || IsAwaitedType(entry)) MarkReady(key);
  }
}

// Redis marks a key that somebody waits for when it comes to be with a type that somebody waits for, if at another key,
// however that happened; when a stream ends there while somebody waits for a stream; and a stream at each XADD and when
// a group of it ends. Who is served is decided by what is there in the end. A value of another type that is stored over
// (SORT STORE) wakes nobody.
void Blocking::OnEffect(const keyspace::Effect& effect) {
  using Kind = keyspace::Effect::Kind;
  if (effect.kind == Kind::kFlush) return MarkDb(effect.db, true);
  if (effect.kind == Kind::kSwap) {
    MarkDb(effect.db, false);
    return MarkDb(effect.other_db, false);
  }
  if (effect.kind != Kind::kKey) return;
  bool failed = false;
  WaitedKey* const key = Find(effect.db, effect.key, &failed);
  if (failed) return MarkDb(effect.db, false);  // better to look in vain than to forget somebody
  if (key == nullptr) return;
  const bool may_begin = effect.is_new || Replaces(effect);
  const keyspace::Entry* const entry = may_begin || key->is_stream ? EntryAt(*key) : nullptr;
  const bool was_stream = std::exchange(key->is_stream, IsStream(entry));
  const bool awaits_stream = count_of_type_[IndexOf(keyspace::Type::kStream)] != 0;
  const bool stream_ended = was_stream && !key->is_stream && awaits_stream;
  const bool group_ended = awaits_stream && IsGroupEnd(effect);
  const bool is_added_to = awaits_stream && IsXAdd(effect);
  if (is_added_to || group_ended || stream_ended || (may_begin && IsAwaitedType(entry))) MarkReady(key);
}

// ---- Serving --------------------------------------------------------------------------------------------------------

void Blocking::ServeReady() {
  const int64_t now_ms = engine_.clock().NowUs() / 1000;
  (void)TimeOutSome(now_ms, SIZE_MAX);
  while (WaitedKey* const key = ready_.front()) {
    ready_.Remove(*key);
    key->ready = false;
    ServeKey(key, now_ms);
  }
  keyspace_.owed_work().Done(keyspace::kOwesWaiters);
}

void Blocking::ServeKey(WaitedKey* key, int64_t now_ms) {
  key->pinned = true;
  WaitPlace* next = nullptr;
  for (WaitPlace* place = key->places.front(); place != nullptr; place = next) {
    ++steps_;
    next = place->in_key.next;
    keyspace_.BeginOp(now_ms);
    const keyspace::Entry* const entry = EntryAt(*key);
    const bool nobodys = entry == nullptr || key->wanted[IndexOf(entry->type())] == 0;
    if (nobodys && key->ends_with_key == 0) break;
    Waiter* const waiter = place->waiter;
    const bool fits = entry != nullptr && entry->type() == waiter->type;
    if ((!fits && !waiter->ends_with_key) || Gone(*waiter->client)) continue;
    (void)ServeOne(waiter, {key->key(), place->index}, now_ms);
  }
  key->pinned = false;
  ForgetKeyIfEmpty(key);
}

// Returns whether the wait has ended.
bool Blocking::ServeOne(Waiter* waiter, const ReadyKey& ready, int64_t now_ms) {
  ClientState& client = *waiter->client;
  keyspace_.BeginOp(now_ms, &client);
  CommandContext ctx{engine_, client, *waiter->spec};
  resp::ReplyWriter reply(reply_, client.protocol);
  ReplyInProgress progress{&reply, reply.Mark()};  // events that the client is subscribed to stand where they arise
  if (client.subscriptions.any() && !waiter->silent) client.reply_in_progress = &progress;
  bool served = false;
  Error error = kOk;
  do {
    error = waiter->serve(ctx, waiter->argv, ready, reply, &served);
  } while (error == errors::kUnfinished);
  client.reply_in_progress = nullptr;
  if (error.ok() && !served) {
    reply_.Clear(kReplyKept);
    return false;
  }
  if (error.ok() && reply_.failed()) error = errors::kAllocationFailed;  // of a value that stays where it is
  if (!error.ok()) {
    LARDER_DCHECK(!(error == kReplied));
    if (reply_.failed()) reply_.RewindFailed(progress.mark);
    reply.Error(error);
    const Bytes text = error.text()->text;
    ++engine_.counters(*client.last_command).failed;
    engine_.CountError(text.substr(0, text.find(' ')));
  }
  Finish(waiter, &reply_);
  return true;
}

}  // namespace larder::inline v0::engine
