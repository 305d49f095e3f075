// PutStrings: many keys at once, all or none.
//
// Everything that can fail is done first, and can be taken back without a trace: an entry is made for each pair whose
// value does not fit where the key's old one is, and those of new keys are put into the table, which may have to grow
// for it. Then values are written, entries replaced and changes told, pair by pair, as if each were a SET.
//
// A key may come twice. The entry that the first of its pairs will write to, or has put into the table, is *claimed*;
// a later pair that finds a claimed entry always gets an entry of its own, since what will be there then is not known
// yet.
#include <cstdlib>
#include <utility>

#include "lib/keyspace/db.h"
#include "lib/keyspace/errors.h"
#include "lib/keyspace/key_window.h"
#include "lib/keyspace/keyspace.h"

namespace larder::inline v0::keyspace {
namespace {

// One pointer a pair; few need no memory.
class MadeEntries {
 public:
  explicit MadeEntries(size_t count) {
    if (count <= kRoom) {
      all_ = room_;
    } else if (count <= SIZE_MAX / sizeof(Entry*)) {
      all_ = static_cast<Entry**>(std::malloc(count * sizeof(Entry*)));
    }
  }
  ~MadeEntries() {
    if (all_ != room_) std::free(all_);
  }
  MadeEntries(const MadeEntries&) = delete;
  MadeEntries& operator=(const MadeEntries&) = delete;
  bool failed() const { return all_ == nullptr; }
  Entry*& operator[](size_t i) { return all_[i]; }

 private:
  static constexpr size_t kRoom = 32;
  Entry** all_ = nullptr;
  Entry* room_[kRoom];
};

}  // namespace

Error Db::PutStrings(size_t count, PairAt at, Bytes event) {
  MadeEntries made(count);
  if (made.failed()) return errors::kAllocationFailed;
  KeyWindow window(*this, count, [&](size_t i) { return at(i).first; });
  size_t prepared = 0;
  while (prepared < count) {
    const auto [key, value] = at(prepared);
    if (!PreparePair(key, window.hash(prepared), value, &made[prepared])) break;
    ++prepared;
  }
  if (prepared < count) {
    for (size_t i = 0; i < prepared; ++i) TakeBack(at(i).first, made[i]);
    return errors::kAllocationFailed;
  }
  const Effects::Group group(keyspace_.effects());
  for (size_t i = 0; i < count; ++i) {
    const auto [key, value] = at(i);
    const Bytes command[] = {"SET", key, value};
    CommitPair(key, value, made[i], {EventClass::kString, event, command});
  }
  return kOk;
}

// *made: the pair's entry, nullptr if the value fits where the old one is. False, and nothing done, without memory.
bool Db::PreparePair(Bytes key, uint64_t hash, Bytes value, Entry** made) {
  const StringSource source = StringSource::Of(value);
  const Place existing = LocateHashed(key, hash, Lookup::kWrite);
  *made = nullptr;
  const bool in_place = existing != nullptr && !existing->marked(Entry::kClaimed) &&
                        source.storage != Entry::Storage::kBlock &&
                        !keyspace_.effects().wants(Effects::kOldValues) &&
                        existing->FitsInPlace(source.storage, source.inline_size(), /*with_expiry=*/false);
  if (!in_place) {
    *made = NewString(key, source, kNoExpiry).Finish();
    if (*made == nullptr) return false;
  }
  if (existing != nullptr) {
    EntryStamp(*existing).set_mark(Entry::kClaimed, true);
    return true;
  }
  keyspace_.StartHistory(**made, made_index_, hash);
  if (!table_.Insert(*made, existing)) {
    keyspace_.EndHistory(**made);
    keyspace_.garbage().Free(*made);
    return false;
  }
  bytes_ += Keyspace::BytesOf(**made);
  EntryStamp(**made).set_mark(Entry::kClaimed, true);
  return true;
}

void Db::TakeBack(Bytes key, Entry* made) {
  const Place current(table_.Locate(key, Hash(key)));
  if (current != nullptr) EntryStamp(*current).set_mark(Entry::kClaimed, false);
  if (made == nullptr) return;
  if (current == made) {
    table_.Remove(current);
    LARDER_DCHECK(bytes_ >= Keyspace::BytesOf(*made));
    bytes_ -= Keyspace::BytesOf(*made);
    keyspace_.EndHistory(*made);
  }
  keyspace_.garbage().Free(made);
}

void Db::CommitPair(Bytes key, Bytes value, Entry* made, const Change& change) {
  const Place current(table_.Locate(key, Hash(key)));
  LARDER_DCHECK(current != nullptr);
  EntryStamp(*current).set_mark(Entry::kClaimed, false);
  if (made == nullptr) {
    const StringSource source = StringSource::Of(value);
    const Entry::Outside old = current->outside();
    const size_t before = old ? Keyspace::BytesOf(*current) : 0;
    {
      EntryEdit store = Edit(current);
      store.Restore({Type::kString, source.encoding}, source.storage, source.inline_size());
      WriteValue(store, source, nullptr);
    }
    if (old) {
      keyspace_.garbage().DropValue(old);
      Resized(*current, before);
    }
    Emit(key, nullptr, false, change);
    return;
  }
  if (current == made) {
    Emit(key, nullptr, true, change);
    return;
  }
  keyspace_.TakeHistory(*made, *current);
  table_.Replace(current, made);
  bytes_ += Keyspace::BytesOf(*made) - Keyspace::BytesOf(*current);
  Emit(key, current, false, change);
  keyspace_.garbage().Free(current);
}

}  // namespace larder::inline v0::keyspace
