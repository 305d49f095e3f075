#include "lib/typed/collections.h"

#include <algorithm>
#include <memory>
#include <new>
#include <utility>

#include "lib/keyspace/garbage.h"
#include "lib/memory/block.h"
#include "lib/typed/fetch.h"

namespace larder::inline v0::typed {
namespace {

constexpr size_t kCopiedMax = size_t{8} << 10;

const char* PartAt(const keyspace::Collection& collection, const char* record, int i) {
  const char* part = record + collection.format().prefix;
  while (i-- > 0) part = ds::SkipPart(part);
  return part;
}

// A clone of a structure. It ends under the executor or, after the cache has been closed, when a closer comes to it.
class PinEnd final : public core::SessionEnd {
 public:
  PinEnd(keyspace::Db& db, AddRecord add) : db_(db), add_(add) {}
  void End() override {
    base::AssertHolder();
    if (root_ == nullptr) return;
    db_.keyspace().garbage().DropValue({keyspace::Entry::Storage::kStructure, std::exchange(root_, nullptr)});
  }

  void set_root(keyspace::Structure* root) { root_ = root; }
  const keyspace::Structure& root() const { return *root_; }
  AddRecord add() const { return add_; }

 private:
  keyspace::Db& db_;
  const AddRecord add_;
  keyspace::Structure* root_ = nullptr;
};

const PinEnd& EndOf(const internal::CollectionPin& pin) {
  return *static_cast<const PinEnd*>(static_cast<const core::SessionEnd*>(pin.get()));
}

// What MONITOR is not told: the walk was shown when it began.
void ShowNothing(engine::Monitors&, Bytes, const internal::CollectionPin*, size_t, FetchedList*) {}

// Some elements from an index on: *count of them.
bool AddBatch(const keyspace::Collection& collection, size_t first, AddRecord add, FetchedList* to, size_t* count) {
  bool filled = true;
  size_t bytes = 0;
  *count = 0;
  const size_t most = std::min(internal::kWalkBatch, collection.size() - first);
  collection.ForRange(first, most, false, [&](const char* record) {
    size_t part = to->size();
    filled = add(collection, record, to);
    if (!filled) return false;
    ++*count;
    for (; part < to->size(); ++part) bytes += to->view(part).size();
    return bytes < kWalkBatchBytes;
  });
  return filled;
}

Error ReadPinned(const OpAt& at, const internal::CollectionPin* pin, size_t first, FetchedList* to) {
  (void)at;
  const PinEnd& end = EndOf(*pin);
  size_t count = 0;
  return FilledError(AddBatch(keyspace::Collection(static_cast<const keyspace::CollectionRoot&>(end.root())), first,
                              end.add(), to, &count));
}

}  // namespace

void FetchRecordPart(const keyspace::Collection& collection, const char* record, int i, Fetched* to) {
  const char* const part = PartAt(collection, record, i);
  Bytes text;
  ds::ReadPart(part, &text);
  FetchPart({.found = true, .bytes = text, .block = ds::PartBlock(part)}, text, to);
}

bool AddRecordPart(const keyspace::Collection& collection, const char* record, int i, FetchedList* to) {
  const char* const part = PartAt(collection, record, i);
  Bytes text;
  ds::ReadPart(part, &text);
  return AddCopiedOrPinned(text, ds::PartBlock(part), to);
}

bool AddCopiedOrPinned(Bytes bytes, memory::Block* block, FetchedList* to) {
  if (block == nullptr || bytes.size() <= kCopiedMax) return to->Add(bytes);
  if (!to->AddPinned(block, bytes)) return false;
  block->Ref();
  return true;
}

keyspace::Growth GrowthOfWords(core::CacheCore&, Bytes key, WordSpan words, const WordSpan*, int64_t*) {
  keyspace::Growth growth = {.bytes = key.size() + 64};
  for (const Bytes word : words) {
    growth.bytes += word.size() + 16;
    if (word.size() > growth.value_bytes) growth.value_bytes = word.size();
  }
  return growth;
}

bool WordsAreShort(keyspace::Db&, Bytes, WordSpan words, const WordSpan*, int64_t*) {
  if (words.size() > engine::kShortElements) return false;
  size_t bytes = 0;
  for (const Bytes word : words) bytes += word.size();
  return bytes <= engine::kShortBytes;
}

bool CollectionIsShort(keyspace::Db& db, Bytes key) {
  const keyspace::Entry* const entry = db.FindUnchanged(key);
  return entry == nullptr || entry->storage() != keyspace::Entry::Storage::kStructure ||
         entry->structure()->kind->Count(*entry->structure()) <= engine::kShortElements;
}

Error PinClone(const OpAt& at, const keyspace::Structure& root, AddRecord add, core::CacheCore* core,
               internal::CollectionPin* pin) {
  std::unique_ptr<PinEnd> end(new (std::nothrow) PinEnd(at.db(), add));
  if (end == nullptr) return errors::kAllocationFailed;
  keyspace::Structure* const clone = root.kind->Clone(at.db().keyspace().blocks(), root);
  if (clone == nullptr) return errors::kAllocationFailed;
  end->set_root(clone);
  pin->Set(core, static_cast<core::SessionEnd*>(end.release()));
  return kOk;
}

const keyspace::Structure& PinnedRoot(const internal::CollectionPin& pin) { return EndOf(pin).root(); }

Error PinCollection(const OpAt& at, const keyspace::Entry* entry, const keyspace::Collection& collection, AddRecord add,
                    core::CacheCore* core, internal::CollectionPin* pin, size_t* size, FetchedList* to) {
  *size = collection.size();
  if (collection.tree() == nullptr) {
    bool filled = true;
    collection.ForEach([&](const char* record) { return filled = add(collection, record, to); });
    return FilledError(filled);
  }
  size_t count = 0;
  if (!AddBatch(collection, 0, add, to, &count)) return internal::kNoMemoryForResult;
  if (count == collection.size()) return kOk;
  return PinClone(at, *entry->structure(), add, core, pin);
}

}  // namespace larder::inline v0::typed

namespace larder::inline v0::internal {

void CollectionPin::ReleaseHeld() {
  core_->EndSession(std::unique_ptr<core::SessionEnd>(static_cast<core::SessionEnd*>(std::exchange(end_, nullptr))));
}

constexpr TypedOp<const CollectionPin*, size_t, FetchedList*> kReadPinned =
    typed::OpOf<const CollectionPin*, size_t, FetchedList*>(
        {.name = {}, .access = Access::kReads, .keys = KeyCount::kNone, .run = typed::By<typed::ReadPinned>,
         .start = typed::By<typed::StartReadPinned<const CollectionPin*, size_t, FetchedList*>>,
         .show = typed::By<typed::ShowNothing>});

}  // namespace larder::inline v0::internal
