#include "lib/keyspace/db.h"

#include <cstring>
#include <utility>

#include "lib/base/numbers.h"
#include "lib/keyspace/errors.h"
#include "lib/keyspace/keyspace.h"
#include "lib/keyspace/structure.h"

namespace larder::inline v0::keyspace {
namespace {

constexpr Change kExpiredChange{EventClass::kExpired, "expired"};

// Room that an appended-to block is given beyond its size: double it up to 1 MB, then 1 MB more at a time.
size_t GrownCapacity(size_t size) { return size + (size < (size_t{1} << 20) ? size : size_t{1} << 20); }

}  // namespace

Db::Db(Keyspace& keyspace, int index, int made)
    : keyspace_(keyspace),
      index_(index),
      made_index_(made),
      seed_(keyspace.hash_seed()),
      table_(Policy{seed_}, &keyspace.arena(), &keyspace.steps()) {}

Db::~Db() {
  table_.ForEach([this](Entry* entry) {
    base::AssertHolder();
    keyspace_.garbage().Free(entry);
  });
}

memory::Arena& Db::arena() { return keyspace_.arena(); }

bool Db::Expired(const Entry& entry) { return entry.has_expiry() && keyspace_.now_ms() >= entry.expiry_ms(); }

Entry* Db::FindHashed(Bytes key, uint64_t hash, Lookup how) { return FindInline(key, hash, how); }

Place Db::LocateHashed(Bytes key, uint64_t hash, Lookup how) {
  LARDER_DCHECK(hash == Hash(key));
  Place place;
  table_.Locate(key, hash, &place);
  if (place != nullptr && place->has_expiry() && Expired(*place)) [[unlikely]] place.element = FoundExpired(place, how);
  if (place == nullptr) {
    if (Counts(how)) keyspace_.NoteMiss(index_, key, how);
    return place;
  }
  if (Touches(how)) keyspace_.Touch(*place);
  if (Counts(how)) ++keyspace_.reads().holder().hits;
  return place;
}

Db::Presence Db::Look(Bytes key) {
  const Entry* entry = table_.Find(key, Hash(key));
  if (entry == nullptr) return Presence::kMissing;
  return Expired(*entry) ? Presence::kExpired : Presence::kThere;
}

// Always nullptr.
Entry* Db::FoundExpired(Entry* entry, Lookup how) {
  return !Writes(how) && keyspace_.ExpiryHeld() ? nullptr : DropExpired(entry);
}

// Always nullptr.
Entry* Db::DropExpired(Entry* entry) {
  LARDER_DCHECK(Expired(*entry));
  ++keyspace_.stats().expired;
  keyspace_.effects().AdjustDirty(-1);
  const Bytes command[] = {"DEL", entry->key()};
  Change change = kExpiredChange;
  change.command = command;
  Delete(entry, change);
  return nullptr;
}

size_t Db::BlockBytes(Bytes key) const {
  const Entry* const entry = table_.Find(key, Hash(key));
  return entry != nullptr && entry->storage() == Entry::Storage::kBlock ? entry->block()->size() : 0;
}

size_t Db::BytesToEdit(Bytes key, size_t new_size) const {
  if (new_size <= memory::kInlineValueMax) return 0;
  const Entry* const entry = table_.Find(key, Hash(key));
  if (entry == nullptr) return new_size;
  const bool in_block = entry->storage() == Entry::Storage::kBlock && entry->block()->unique() &&
                        new_size <= entry->block()->capacity();
  return in_block ? 0 : GrownCapacity(new_size);
}

void Db::Emit(Bytes key, const Entry* old_value, bool is_new, const Change& change) {
  if (change.before_told != nullptr) (*change.before_told)();
  if (change.event.empty()) return;
  if (!keyspace_.effects().heard()) [[likely]] return keyspace_.effects().Count();
  keyspace_.effects().Emit({.kind = Effect::Kind::kKey, .event_class = change.event_class, .event = change.event,
                            .more = change.more, .watched = change.watched, .is_new = is_new, .db = index_, .key = key,
                            .old_value = old_value, .command = change.command});
}

void Db::Resized(const Entry& entry, size_t before) {
  LARDER_DCHECK(bytes_ >= before);
  bytes_ += Keyspace::BytesOf(entry) - before;
  keyspace_.Resized(entry, before);
}

void Db::Free(Entry* entry, Value value) {
  value == Value::kOwn ? keyspace_.garbage().Free(entry) : keyspace_.garbage().FreeShell(entry);
}

Result<Entry*> Db::Install(const Place& place, Entry* made, const Change& change, History history, Value value,
                           const Leaving* leaving) {
  Entry* const existing = place;
  const uint64_t hash = place.hash;
  LARDER_DCHECK(hash == Hash(made->key()));
  if (existing == nullptr && made->key().size() > keyspace_.config().string_bytes_max) [[unlikely]] {
    Free(made, value);
    return errors::kStringTooLong;
  }
  if (existing != nullptr && history == History::kOfKey) {
    // Finding the existing one has counted as its use; what it holds now has the same history.
    keyspace_.TakeHistory(*made, *existing);
  } else if (history == History::kOfMoved) {
    keyspace_.MoveHistory(*made, **leaving->place, made_index_, hash);
  } else {
    keyspace_.StartHistory(*made, made_index_, hash);
  }
  if (existing != nullptr) {
    if (history != History::kOfKey) keyspace_.EndHistory(*existing);
    table_.Replace(place, made);
    LARDER_DCHECK(bytes_ >= Keyspace::BytesOf(*existing));
    bytes_ -= Keyspace::BytesOf(*existing);
  } else {
    if (!table_.Insert(made, place)) {
      keyspace_.EndHistory(*made);
      Free(made, value);
      return errors::kAllocationFailed;
    }
  }
  bytes_ += Keyspace::BytesOf(*made);
  if (made->has_expiry()) keyspace_.NoteExpiry(made->expiry_ms());
  if (leaving != nullptr) leaving->db->Remove(*leaving->place, *leaving->change, value);
  Emit(made->key(), existing, existing == nullptr, change);
  if (existing != nullptr) Free(existing, leaving == nullptr && value == Value::kTaken ? Value::kTaken : Value::kOwn);
  return made;
}

Result<Entry*> Db::EditBytes(Bytes key, const Place& place, Form form, size_t new_size,
                             absl::FunctionRef<void(char* bytes)> edit, const Change& change) {
  const Entry* const existing = place;
  char digits[base::kIntChars];
  Bytes old;
  if (existing != nullptr) {
    switch (existing->storage()) {
      case Entry::Storage::kInteger: old = base::FormatInt64(existing->integer(), digits); break;
      case Entry::Storage::kInline: old = existing->inline_value(); break;
      case Entry::Storage::kBlock: old = existing->block()->view(); break;
      case Entry::Storage::kStructure: LARDER_CHECK(false);  // is no bytes
    }
  }
  const size_t kept = old.size() < new_size ? old.size() : new_size;
  auto fill = [&](char* to) {
    if (to != old.data() && kept != 0) std::memmove(to, old.data(), kept);
    if (new_size > kept) std::memset(to + kept, 0, new_size - kept);
    edit(to);
  };
  const bool large = new_size > memory::kInlineValueMax;
  if (existing != nullptr && !keyspace_.effects().wants(Effects::kOldValues)) {
    const Entry::Storage storage = existing->storage();
    const bool in_block = storage == Entry::Storage::kBlock && large && existing->block()->unique() &&
                          new_size <= existing->block()->capacity();
    const bool in_entry = storage == Entry::Storage::kInline && !large &&
                          existing->FitsInPlace(storage, new_size, existing->has_expiry());
    if (in_block || in_entry) {
      {
        EntryEdit store = Edit(place);
        if (in_block) {
          fill(store.ResizeBlock(new_size));
        } else {
          store.ResizeInline(new_size);
          old = existing->inline_value();
          fill(store.inline_data());
        }
        store.set_form(form);
      }
      Emit(key, nullptr, false, change);
      return place.element;
    }
  }
  const int64_t expiry_ms = existing != nullptr ? existing->expiry_ms() : kNoExpiry;
  memory::Block* block = nullptr;
  if (large) {
    block = keyspace_.blocks().New(new_size, existing != nullptr ? GrownCapacity(new_size) : new_size);
    if (block == nullptr) return errors::kAllocationFailed;
  }
  EntryDraft made = EntryDraft::New(arena(), key, large ? Entry::Storage::kBlock : Entry::Storage::kInline,
                                    large ? 0 : new_size, expiry_ms != kNoExpiry);
  if (!made) {
    if (block != nullptr) keyspace_.garbage().Drop(block);
    return errors::kAllocationFailed;
  }
  fill(large ? block->data() : made.inline_data());
  if (large) made.set_block(block);
  made.set_form(form);
  if (expiry_ms != kNoExpiry) made.set_expiry_ms(expiry_ms);
  return Install(place, made.Finish(), change);
}

EntryDraft Db::DraftLike(Bytes key, const Entry& from, int64_t expiry_ms) {
  const bool is_inline = from.storage() == Entry::Storage::kInline;
  EntryDraft made = EntryDraft::New(arena(), key, from.storage(), is_inline ? from.inline_value().size() : 0,
                                    expiry_ms != kNoExpiry);
  if (!made) return made;
  if (is_inline) base::CopyBytes(made.inline_data(), from.inline_value());
  made.set_form({from.type(), from.encoding()});
  if (expiry_ms != kNoExpiry) made.set_expiry_ms(expiry_ms);
  return made;
}

EntryDraft Db::TakeValue(Bytes key, const Entry& from, int64_t expiry_ms) {
  EntryDraft made = DraftLike(key, from, expiry_ms);
  if (!made) return made;
  switch (from.storage()) {
    case Entry::Storage::kInteger: made.set_integer(from.integer()); break;
    case Entry::Storage::kInline: break;
    case Entry::Storage::kBlock: made.set_block(from.block()); break;
    case Entry::Storage::kStructure: made.set_structure(from.structure()); break;
  }
  return made;
}

EntryDraft Db::CloneOf(Bytes key, const Entry& from, int64_t expiry_ms) {
  EntryDraft made = TakeValue(key, from, expiry_ms);
  if (!made) return made;
  if (from.storage() == Entry::Storage::kBlock) from.block()->Ref();  // both share it; the next edit copies
  if (from.storage() == Entry::Storage::kStructure) {
    const Structure& root = *from.structure();
    Structure* const clone = root.kind->Clone(keyspace_.blocks(), root);
    if (clone == nullptr) {
      keyspace_.garbage().FreeShell(made.Finish());
      return {};
    }
    made.set_structure(clone);
  }
  return made;
}

Result<Entry*> Db::PutStructure(Bytes key, const Place& place, Form form, Structure* root, int64_t expiry_ms,
                                const Change& change) {
  LARDER_DCHECK(root != nullptr && root->next_garbage == nullptr);
  Entry* const made = MakeStructure(key, form, root, expiry_ms);
  if (made == nullptr) return errors::kAllocationFailed;
  return PutMade(place, made, change);
}

Entry* Db::MakeStructure(Bytes key, Form form, Structure* root, int64_t expiry_ms) {
  EntryDraft made = EntryDraft::New(arena(), key, Entry::Storage::kStructure, 0, expiry_ms != kNoExpiry);
  if (!made) return nullptr;
  made.set_structure(root);
  made.set_form(form);
  if (expiry_ms != kNoExpiry) made.set_expiry_ms(expiry_ms);
  return made.Finish();
}

Result<Entry*> Db::PutMade(const Place& place, Entry* made, const Change& change) {
  const bool offered = made->storage() == Entry::Storage::kStructure;
  return Install(place, made, change, History::kOfKey, offered ? Value::kOffered : Value::kOwn);
}

void Db::DropMade(Entry* made) {
  Free(made, made->storage() == Entry::Storage::kStructure ? Value::kOffered : Value::kOwn);
}

void Db::StructureChanged(const Place& place, Form form, size_t before) {
  LARDER_DCHECK(place->storage() == Entry::Storage::kStructure);
  Edit(place).set_form(form);
  Resized(*place, before);
}

Result<Entry*> Db::PutCopy(Bytes key, const Place& place, const Entry& from, int64_t expiry_ms, const Change& change) {
  EntryDraft made = CloneOf(key, from, expiry_ms);
  if (!made) return errors::kAllocationFailed;
  return Install(place, made.Finish(), change, History::kNew);
}

Result<Entry*> Db::PutMoved(Bytes key, const Place& place, Db& from_db, const Place& from, const Change& gone,
                            const Change& change) {
  LARDER_DCHECK(from != nullptr && place.element != from.element);
  EntryDraft made = TakeValue(key, *from, from->expiry_ms());
  if (!made) return errors::kAllocationFailed;
  const Effects::Group group(keyspace_.effects());
  const Leaving leaving = {&from_db, &from, &gone};
  return Install(place, made.Finish(), change, History::kOfMoved, Value::kTaken, &leaving);
}

// The same key and value with another shape of header.
Result<Entry*> Db::Rebuild(const Place& place, int64_t expiry_ms, const Change& change) {
  EntryDraft made = TakeValue(place->key(), *place, expiry_ms);
  if (!made) return errors::kAllocationFailed;
  return Install(place, made.Finish(), change, History::kOfKey, Value::kTaken);
}

Result<Entry*> Db::SetExpiry(const Place& place, int64_t expiry_ms, const Change& change) {
  LARDER_DCHECK(place != nullptr && expiry_ms >= 0);
  if (!place->has_expiry() || keyspace_.effects().wants(Effects::kOldValues)) return Rebuild(place, expiry_ms, change);
  {
    EntryEdit store = Edit(place);
    store.set_expiry_ms(expiry_ms);
    table_.ExpiryChanged(place);
  }
  keyspace_.NoteExpiry(expiry_ms);
  Emit(place->key(), nullptr, false, change);
  return place.element;
}

Result<Entry*> Db::ClearExpiry(const Place& place, const Change& change) {
  LARDER_DCHECK(place != nullptr);
  if (!place->has_expiry()) return place.element;
  return Rebuild(place, kNoExpiry, change);
}

void Db::Delete(const Place& place, const Change& change) { Remove(place, change, Value::kOwn); }

void Db::DeleteAny(Bytes key, const Change& change) {
  Place place;
  table_.Locate(key, Hash(key), &place);
  if (place != nullptr) Remove(place, change, Value::kOwn);
}

void Db::Remove(const Place& place, const Change& change, Value value) {
  Entry* const entry = place;
  LARDER_DCHECK(entry != nullptr && bytes_ >= Keyspace::BytesOf(*entry));
  table_.Remove(place);
  bytes_ -= Keyspace::BytesOf(*entry);
  Emit(entry->key(), entry, false, change);
  keyspace_.EndHistory(*entry);
  Free(entry, value);
}

void Db::NoteAbsence(Bytes key) { keyspace_.effects().EmitAbsence(index_, key); }

size_t Db::Flush() {
  const size_t had = table_.size();
  keyspace_.garbage().DiscardTable(table_, std::exchange(bytes_, 0));
  return had;
}

uint64_t Db::Scan(uint64_t cursor, size_t want, absl::FunctionRef<void(Entry&)> visit) {
  size_t seen = 0;
  size_t buckets_left = want <= SIZE_MAX / 10 ? want * 10 : SIZE_MAX;
  do {
    cursor = table_.Scan(cursor, [&](Entry* entry) {
      base::AssertHolder();
      ++seen;
      if (!Expired(*entry)) visit(*entry);
    });
  } while (cursor != 0 && seen < want && --buckets_left != 0);
  return cursor;
}

void Db::ForEach(absl::FunctionRef<void(Entry&)> visit) {
  table_.ForEach([&](Entry* entry) {
    base::AssertHolder();
    if (!Expired(*entry)) visit(*entry);
  });
}

// A database whose keys have nearly all expired would make this long. To look costs a tenth of what a deletion costs,
// so that one of the few that are left is found long before all the others are deleted.
Result<Entry*> Db::RandomEntry() {
  constexpr int kDeletedAtOnce = 32;  // 50 us
  constexpr int kTriesWhileHeld = 100;
  const bool held = keyspace_.ExpiryHeld();
  for (int tries = held ? kTriesWhileHeld : kDeletedAtOnce; tries > 0; --tries) {
    Entry* entry = table_.Random(keyspace_.random());
    if (entry == nullptr || !Expired(*entry)) return entry;
    if (!held) DropExpired(entry);
  }
  Entry* const entry = NextUnexpired();
  if (entry == nullptr && !held) return errors::kUnfinished;
  return entry;
}

// Looks at some hundreds of entries in a row, from anywhere on.
Entry* Db::NextUnexpired() {
  constexpr int kHomes = 256;
  uint64_t cursor = keyspace_.random().Next() >> 16;
  Entry* found = nullptr;
  for (int homes = 0; homes < kHomes && found == nullptr; ++homes) {
    cursor = table_.Scan(cursor, [&](Entry* entry) {
      base::AssertHolder();
      if (found == nullptr && !Expired(*entry)) found = entry;
    });
  }
  return found;
}

bool Db::ExpireDue(size_t max) {
  return table_.ExpireSome(keyspace_.now_ms(), max, [this](Entry* entry) {
    base::AssertHolder();
    DropExpired(entry);
  });
}

int64_t Db::MeanTtlMs() {
  constexpr int kSamples = 16;
  if (table_.expiring() == 0) return 0;
  const int64_t now_ms = keyspace_.now_ms();
  base::Random random(0);  // the same sample each time, and nobody else's random numbers change for being asked
  double sum = 0;
  int count = 0;
  for (int i = 0; i < kSamples; ++i) {
    table_.SampleExpiring(random, [&](const Entry* entry) {
      if (!entry->has_expiry() || entry->expiry_ms() <= now_ms) return;
      sum += static_cast<double>(entry->expiry_ms() - now_ms);
      ++count;
    });
  }
  return count == 0 ? 0 : static_cast<int64_t>(sum / count);
}

}  // namespace larder::inline v0::keyspace
