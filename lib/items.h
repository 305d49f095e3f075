// Items: the keys of a database with their types, values and expiries, for a range-based for.
//
//   larder::ItemRange items = cache.Items({.match = "user:*"});
//   for (const larder::Item& item : items) {
//     if (item.value().has_value()) std::cout << item.key() << '=' << *item.value() << '\n';
//     if (item.type() == larder::KeyType::kHash) std::cout << *item.As<larder::Hash>().Size() << " fields\n";
//     if (item.ttl() != absl::InfiniteDuration()) std::cout << "expires in " << item.ttl() << '\n';
//   }
//   if (!items.status().ok()) return items.status();
//
// A string's value comes with its item: up to 8 KB are copied; a longer value is pinned, which costs no copy and counts
// as used memory until the walk goes on to the next batch. Of the other types As makes a handle, whose calls (and Scan)
// see what is there when they run.
//
// What it shows: items are fetched a batch at a time. The items of one batch are of one moment; between batches others
// have their turn. A key that exists from beginning to end is seen exactly once, as it was when its batch was fetched.
// A key that comes or goes meanwhile may be seen. Keys that have expired are not. To see a key does not mark it as used.
// Views: item.key() and item.value() are valid until the walk goes on to the next item, or the range ends.
// Threads: one at a time. Ownership: a range must end before the cache does. It may outlive the Transaction from which
// it was made, and is FAILED_PRECONDITION from then on, as is one that was moved from.
// Errors: see status(), which tells why a walk ended early: those of every call; CANCELLED once the cache is closed,
// when the batch that was fetched before is through.
#ifndef LARDER_ITEMS_H_
#define LARDER_ITEMS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include <larder/cache.h>
#include <larder/internal/item_ops.h>
#include <larder/internal/range_iterator.h>

namespace larder::inline v0 {

// A bitmap and a HyperLogLog are strings, places are sorted sets.
enum class KeyType : uint8_t { kString, kList, kSet, kSortedSet, kHash, kStream };

struct ItemOptions {
  std::string_view match = {};                 // a glob as in SCAN MATCH; empty: all
  std::optional<KeyType> type = std::nullopt;  // only this one
  size_t batch = 64;                           // keys fetched at a time: more is faster, but makes others wait longer
};

class ItemRange;

class Item {
 public:
  std::string_view key() const { return batch_->view(at_); }
  KeyType type() const { return static_cast<KeyType>(facts().type); }
  // How long it lived on when it was fetched; absl::InfiniteDuration() without an expiry.
  absl::Duration ttl() const {
    return facts().ttl_ms < 0 ? absl::InfiniteDuration() : absl::Milliseconds(facts().ttl_ms);
  }
  // A string's value; nullopt for other types.
  std::optional<std::string_view> value() const {
    if (!batch_->found(at_ + 1)) return std::nullopt;
    return batch_->view(at_ + 1);
  }
  // A handle on it: item.As<larder::Hash>() if type() is kHash.
  template <class Handle>
  Handle As() const {
    return Handle(database_, key());
  }

 private:
  friend class ItemRange;
  explicit Item(const Database& database) : database_(database) {}
  internal::ItemFacts facts() const { return internal::FetchedFacts(batch_->view(at_ + 2)); }

  Database database_;
  const internal::FetchedList* batch_ = nullptr;
  size_t at_ = 0;  // of its parts in the batch
};

class ItemRange {
 public:
  using Iterator = internal::RangeIterator<ItemRange, Item>;

  ItemRange(const Database& database, const ItemOptions& options);
  // A range that was moved from has ended. An iterator of it, and its item, must not be read any more; once
  // advanced, the iterator equals end().
  ItemRange(ItemRange&& other) noexcept : item_(other.item_) { Take(other); }
  ItemRange& operator=(ItemRange&& other) noexcept {
    if (this != &other) Take(other);
    return *this;
  }

  // Goes through the items once; a second begin() goes on where the first stopped.
  Iterator begin() { return Next() ? Iterator(this) : Iterator(); }
  Iterator end() { return Iterator(); }
  // The reason why the walk ended early; OK if it did not.
  const absl::Status& status() const { return status_; }

 private:
  friend Iterator;
  void Take(ItemRange& other) noexcept;
  bool Next();
  const Item& current() const { return item_; }

  std::string match_;
  int type_ = -1;
  size_t batch_size_ = 0;
  internal::FetchedList batch_;
  size_t next_ = 0;  // the next item's parts in the batch
  uint64_t cursor_ = 0;
  bool started_ = false;
  Item item_;
  absl::Status status_;
};

// ---- Inline ---------------------------------------------------------------------------------------------------------

inline ItemRange Database::Items(const ItemOptions& options) const { return ItemRange(*this, options); }
inline ItemRange Database::Items() const { return ItemRange(*this, ItemOptions()); }

inline ItemRange::ItemRange(const Database& database, const ItemOptions& options)
    : type_(options.type.has_value() ? static_cast<int>(*options.type) : -1),
      batch_size_(options.batch),
      item_(database) {
  status_ = internal::FillResult([&] { match_.assign(options.match); });
}

inline void ItemRange::Take(ItemRange& other) noexcept {
  match_ = std::move(other.match_);
  type_ = other.type_;
  batch_size_ = other.batch_size_;
  batch_ = std::move(other.batch_);
  next_ = std::exchange(other.next_, 0);
  cursor_ = std::exchange(other.cursor_, 0);
  started_ = std::exchange(other.started_, true);
  item_ = other.item_;
  item_.batch_ = &batch_;
  status_ = std::exchange(other.status_, internal::StatusOf(internal::kItemsWereMoved));
}

inline bool ItemRange::Next() {
  while (next_ == batch_.size()) {
    if (!status_.ok() || (started_ && cursor_ == 0)) {
      batch_.Clear();
      next_ = 0;
      return false;
    }
    started_ = true;
    next_ = 0;
    batch_.Clear();
    const internal::ItemQuery query{.match = match_, .type = type_, .batch = batch_size_};
    status_ = internal::StatusOf(internal::RunTyped(internal::TargetOf(item_.database_), internal::kItems, {}, &cursor_,
                                                    &query, &batch_));
    if (!status_.ok()) batch_.Clear();
  }
  item_.batch_ = &batch_;
  item_.at_ = next_;
  next_ += internal::kItemParts;
  return true;
}

}  // namespace larder::inline v0

#endif  // LARDER_ITEMS_H_
