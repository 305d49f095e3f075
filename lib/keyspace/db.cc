#include "lib/keyspace/db.h"

#include <cstring>
#include <utility>

#include "lib/base/numbers.h"
#include "lib/keyspace/errors.h"
#include "lib/keyspace/keyspace.h"

namespace larder::inline v0::keyspace {
namespace {

constexpr Change kExpiredChange{EventClass::kExpired, "expired"};

// The longest text of an int64, as Redis limits its attempt to store text as an integer.
constexpr size_t kIntegerTextMax = 20;

size_t StoredBytes(const StringSource& value) {
  switch (value.storage) {
    case Entry::Storage::kInteger: return sizeof(int64_t);
    case Entry::Storage::kInline: return value.bytes.size();
    case Entry::Storage::kBlock: return sizeof(memory::Block*);
  }
  return 0;
}

// A block that holds value.bytes: the caller's own if it offered one.
memory::Block* TakeBlock(memory::BlockSource& source, const StringSource& value) {
  if (value.block != nullptr && *value.block) return value.block->Release();
  memory::Block* block = source.New(value.bytes.size(), value.bytes.size());
  if (block != nullptr) base::CopyBytes(block->data(), value.bytes);
  return block;
}

// Room that an appended-to block is given beyond its size: double it up to 1 MB, then 1 MB more at a time.
size_t GrownCapacity(size_t size) { return size + (size < (size_t{1} << 20) ? size : size_t{1} << 20); }

}  // namespace

StringSource StringSource::Of(Bytes bytes) {
  int64_t integer = 0;
  if (bytes.size() <= kIntegerTextMax && base::ParseInt64(bytes, &integer)) return Of(integer);
  return Text(bytes);
}

StringSource StringSource::Of(memory::BlockRef* block) {
  StringSource source = Of(block->get()->view());
  if (source.storage == Entry::Storage::kBlock) source.block = block;
  return source;
}

StringSource StringSource::Text(Bytes bytes) {
  const Encoding encoding = bytes.size() <= kEmbstrMax ? Encoding::kEmbstr : Encoding::kRaw;
  const auto storage = bytes.size() <= memory::kInlineValueMax ? Entry::Storage::kInline : Entry::Storage::kBlock;
  return {storage, encoding, 0, bytes, nullptr};
}

Db::Db(Keyspace& keyspace, int index)
    : keyspace_(keyspace),
      index_(index),
      table_(Policy{keyspace.config().seed + static_cast<uint64_t>(index) * 0x9e3779b97f4a7c15ull}, &keyspace.arena()),
      expiries_(&keyspace.arena()) {}

Db::~Db() { Flush(); }

memory::Arena& Db::arena() { return keyspace_.arena(); }

bool Db::Expired(const Entry& entry) { return entry.has_expiry() && keyspace_.now_ms() >= entry.expiry_ms(); }

Entry* Db::Find(Bytes key, Lookup how) {
  Entry* entry = table_.Find(key, Hash(key));
  if (entry != nullptr && Expired(*entry)) {
    ++keyspace_.stats().expired;
    const Bytes command[] = {"DEL", entry->key()};
    Change change = kExpiredChange;
    change.command = command;
    Delete(entry, change);
    entry = nullptr;
  }
  const bool counts = how == Lookup::kRead || how == Lookup::kInspect;
  if (entry == nullptr) {
    if (counts) ++keyspace_.stats().misses;
    return nullptr;
  }
  if (how == Lookup::kRead || how == Lookup::kWrite) keyspace_.Touch(*entry);
  if (counts) ++keyspace_.stats().hits;
  return entry;
}

void Db::Emit(Bytes key, const Entry* old_value, const Change& change) {
  if (change.event.empty()) return;
  keyspace_.effects().Emit({.kind = Effect::Kind::kKey, .event_class = change.event_class, .event = change.event,
                            .db = index_, .key = key, .old_value = old_value, .command = change.command});
}

Result<Entry*> Db::PutString(Bytes key, Entry* existing, const StringSource& value, int64_t expiry_ms,
                             const Change& change) {
  const bool with_expiry = expiry_ms != kNoExpiry;
  const size_t stored = StoredBytes(value);
  memory::Block* block = nullptr;
  if (value.storage == Entry::Storage::kBlock) {
    block = TakeBlock(keyspace_.blocks(), value);
    if (block == nullptr) return errors::kAllocationFailed;
  }
  const bool in_place =
      existing != nullptr && existing->has_expiry() == with_expiry &&
      !keyspace_.effects().wants(Effects::kOldValues) &&
      memory::Arena::RoundUp(Entry::Footprint(existing->key().size(), stored, with_expiry)) ==
          memory::Arena::RoundUp(existing->footprint());
  Entry* entry = existing;
  if (in_place) {
    memory::Block* old_block = existing->storage() == Entry::Storage::kBlock ? existing->block() : nullptr;
    entry->Restore(value.storage, stored);
    if (value.storage == Entry::Storage::kInline && stored != 0) {
      std::memmove(entry->value_data(), value.bytes.data(), stored);
    }
    if (old_block != nullptr) old_block->Unref();
  } else {
    entry = Entry::New(arena(), key, value.storage, stored, with_expiry);
    if (entry == nullptr) {
      if (block != nullptr) block->Unref();
      return errors::kAllocationFailed;
    }
    if (value.storage == Entry::Storage::kInline) base::CopyBytes(entry->value_data(), value.bytes);
  }
  if (block != nullptr) entry->set_block(block);
  if (value.storage == Entry::Storage::kInteger) entry->set_integer(value.integer);
  entry->set_kind(Type::kString, value.encoding);
  if (with_expiry) entry->set_expiry_ms(expiry_ms);
  if (!in_place) return Install(existing, entry, change);
  if (with_expiry) {
    expiries_.Update(entry);
    keyspace_.HintExpiry(expiry_ms);
  }
  Emit(key, nullptr, change);
  return entry;
}

Result<Entry*> Db::Install(Entry* existing, Entry* made, const Change& change, const Leaving* leaving) {
  const bool had_expiry = existing != nullptr && existing->has_expiry();
  const uint64_t hash = Hash(made->key());
  if (made->has_expiry() && !had_expiry && !expiries_.Reserve()) {
    Entry::Delete(arena(), made);
    return errors::kAllocationFailed;
  }
  // Finding the existing one has counted as its use; what it holds now has the same history.
  made->set_access_data(existing != nullptr ? existing->access_data() : keyspace_.NewAccessData());
  if (existing != nullptr) {
    table_.Replace(existing, made, hash);
  } else if (!table_.Insert(made, hash)) {
    Entry::Delete(arena(), made);
    return errors::kAllocationFailed;
  }
  if (made->has_expiry()) {
    keyspace_.HintExpiry(made->expiry_ms());
    if (had_expiry) {
      expiries_.Replace(existing, made);
    } else {
      expiries_.Add(made);
    }
  } else if (had_expiry) {
    expiries_.Remove(existing);
  }
  if (leaving != nullptr) leaving->db->Delete(leaving->entry, *leaving->change);
  Emit(made->key(), existing, change);
  if (existing != nullptr) Entry::Delete(arena(), existing);
  return made;
}

Result<Entry*> Db::EditString(Bytes key, Entry* existing, size_t new_size, absl::FunctionRef<void(char* bytes)> edit,
                              const Change& change) {
  char digits[base::kIntChars];
  Bytes old;
  if (existing != nullptr) {
    switch (existing->storage()) {
      case Entry::Storage::kInteger: old = base::FormatInt64(existing->integer(), digits); break;
      case Entry::Storage::kInline: old = existing->inline_value(); break;
      case Entry::Storage::kBlock: old = existing->block()->view(); break;
    }
  }
  const size_t kept = old.size() < new_size ? old.size() : new_size;
  auto fill = [&](char* to) {
    if (to != old.data() && kept != 0) std::memmove(to, old.data(), kept);
    if (new_size > kept) std::memset(to + kept, 0, new_size - kept);
    edit(to);
  };
  const bool watched_by_old = keyspace_.effects().wants(Effects::kOldValues);
  if (existing != nullptr && existing->storage() == Entry::Storage::kBlock && existing->block()->unique() &&
      new_size <= existing->block()->capacity() && new_size > memory::kInlineValueMax && !watched_by_old) {
    existing->block()->set_size(new_size);
    fill(existing->block()->data());
    existing->set_kind(Type::kString, Encoding::kRaw);
    Emit(key, nullptr, change);
    return existing;
  }
  const int64_t expiry_ms = existing != nullptr ? existing->expiry_ms() : kNoExpiry;
  const bool large = new_size > memory::kInlineValueMax;
  Entry* made = Entry::New(arena(), key, large ? Entry::Storage::kBlock : Entry::Storage::kInline,
                           large ? sizeof(memory::Block*) : new_size, expiry_ms != kNoExpiry);
  if (made == nullptr) return errors::kAllocationFailed;
  if (large) {
    memory::Block* block = keyspace_.blocks().New(new_size, existing != nullptr ? GrownCapacity(new_size) : new_size);
    if (block == nullptr) {
      arena().Free(made, made->footprint());
      return errors::kAllocationFailed;
    }
    made->set_block(block);
    fill(block->data());
  } else {
    fill(made->value_data());
  }
  made->set_kind(Type::kString, Encoding::kRaw);
  if (expiry_ms != kNoExpiry) made->set_expiry_ms(expiry_ms);
  return Install(existing, made, change);
}

Entry* Db::CopyOf(Bytes key, const Entry& from, int64_t expiry_ms) {
  const size_t stored = from.storage() == Entry::Storage::kInline ? from.inline_value().size() : sizeof(int64_t);
  Entry* made = Entry::New(arena(), key, from.storage(), stored, expiry_ms != kNoExpiry);
  if (made == nullptr) return nullptr;
  if (stored != 0) std::memcpy(made->value_data(), from.value_data(), stored);
  if (from.storage() == Entry::Storage::kBlock) from.block()->Ref();  // both share it; the next edit copies
  made->set_kind(from.type(), from.encoding());
  if (expiry_ms != kNoExpiry) made->set_expiry_ms(expiry_ms);
  return made;
}

Result<Entry*> Db::PutCopy(Bytes key, Entry* existing, const Entry& from, int64_t expiry_ms, const Change& change) {
  Entry* made = CopyOf(key, from, expiry_ms);
  if (made == nullptr) return errors::kAllocationFailed;
  return Install(existing, made, change);
}

Result<Entry*> Db::PutMoved(Bytes key, Entry* existing, Db& from_db, Entry* from, const Change& gone,
                            const Change& change) {
  LARDER_DCHECK(existing != from);
  Entry* made = CopyOf(key, *from, from->expiry_ms());
  if (made == nullptr) return errors::kAllocationFailed;
  const Leaving leaving = {&from_db, from, &gone};
  return Install(existing, made, change, &leaving);
}

// The same key and value with another shape of header.
Result<Entry*> Db::Rebuild(Entry* entry, int64_t expiry_ms, const Change& change) {
  const uint32_t access = entry->access_data();
  LARDER_ASSIGN_OR_RETURN(Entry * made, PutCopy(entry->key(), entry, *entry, expiry_ms, change));
  made->set_access_data(access);
  return made;
}

Result<Entry*> Db::SetExpiry(Entry* entry, int64_t expiry_ms, const Change& change) {
  if (!entry->has_expiry() || keyspace_.effects().wants(Effects::kOldValues)) return Rebuild(entry, expiry_ms, change);
  entry->set_expiry_ms(expiry_ms);
  expiries_.Update(entry);
  keyspace_.HintExpiry(expiry_ms);
  Emit(entry->key(), nullptr, change);
  return entry;
}

Result<Entry*> Db::ClearExpiry(Entry* entry, const Change& change) {
  if (!entry->has_expiry()) return entry;
  return Rebuild(entry, kNoExpiry, change);
}

void Db::Delete(Entry* entry, const Change& change) {
  Entry* removed = table_.Remove(entry->key(), Hash(entry->key()));
  LARDER_CHECK(removed == entry);
  if (entry->has_expiry()) expiries_.Remove(entry);
  Emit(entry->key(), entry, change);
  Entry::Delete(arena(), entry);
}

size_t Db::Flush() {
  const size_t had = table_.size();
  table_.ForEach([this](Entry* entry) { Entry::Delete(arena(), entry); });
  table_.Clear();
  expiries_.Clear();
  return had;
}

uint64_t Db::Scan(uint64_t cursor, size_t want, absl::FunctionRef<void(Entry&)> visit) {
  size_t seen = 0;
  size_t buckets_left = want <= SIZE_MAX / 10 ? want * 10 : SIZE_MAX;
  do {
    cursor = table_.Scan(cursor, [&](Entry* entry) {
      ++seen;
      if (!Expired(*entry)) visit(*entry);
    });
  } while (cursor != 0 && seen < want && --buckets_left != 0);
  return cursor;
}

void Db::ForEach(absl::FunctionRef<void(Entry&)> visit) {
  table_.ForEach([&](Entry* entry) {
    if (!Expired(*entry)) visit(*entry);
  });
}

Entry* Db::RandomEntry() {
  // A database whose keys have nearly all expired would make this loop long: drop those on the way.
  for (;;) {
    Entry* entry = table_.Random(keyspace_.random());
    if (entry == nullptr || !Expired(*entry)) return entry;
    if (ExpireDue(64) == 0) return nullptr;
  }
}

size_t Db::ExpireDue(size_t max) {
  size_t deleted = 0;
  while (deleted < max) {
    Entry* entry = expiries_.soonest();
    if (entry == nullptr || !Expired(*entry)) break;
    ++keyspace_.stats().expired;
    const Bytes command[] = {"DEL", entry->key()};
    Change change = kExpiredChange;
    change.command = command;
    Delete(entry, change);
    ++deleted;
  }
  return deleted;
}

Entry* Db::RandomForEviction() { return table_.Random(keyspace_.random()); }

Entry* Db::RandomVolatile() {
  return expiries_.size() == 0 ? nullptr : expiries_.at(keyspace_.random().Below(expiries_.size()));
}

int64_t Db::MeanTtlMs() {
  constexpr size_t kSample = 64;
  const size_t n = expiries_.size() < kSample ? expiries_.size() : kSample;
  if (n == 0) return 0;
  const int64_t now = keyspace_.now_ms();
  double sum = 0;
  for (size_t i = 0; i < n; ++i) {
    const int64_t ttl = expiries_.at(i * (expiries_.size() / n))->expiry_ms() - now;
    if (ttl > 0) sum += static_cast<double>(ttl);
  }
  return static_cast<int64_t>(sum / static_cast<double>(n));
}

}  // namespace larder::inline v0::keyspace
