#include "lib/keyspace/expiry.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "lib/base/random.h"

namespace larder {
namespace {

using keyspace::Entry;
using keyspace::ExpiryHeap;

class ExpiryHeapTest : public testing::Test {
 protected:
  ~ExpiryHeapTest() override {
    heap_.Clear();
    for (Entry* entry : entries_) Entry::Delete(arena_, entry);
    EXPECT_EQ(arena_.used(), 0u);
  }

  Entry* New(int64_t expiry_ms) {
    Entry* entry = Entry::New(arena_, "k" + std::to_string(made_++), Entry::Storage::kInteger, 8, true);
    entry->set_expiry_ms(expiry_ms);
    return entry;
  }
  void Add(int64_t expiry_ms) {
    Entry* entry = New(expiry_ms);
    ASSERT_TRUE(heap_.Reserve());
    heap_.Add(entry);
    entries_.push_back(entry);
  }
  void ExpectAgreement() {
    ASSERT_EQ(heap_.size(), entries_.size());
    std::multiset<int64_t> expiries;
    for (Entry* entry : entries_) {
      expiries.insert(entry->expiry_ms());
      ASSERT_EQ(heap_.at(entry->expiry_slot()), entry);
    }
    if (entries_.empty()) {
      ASSERT_EQ(heap_.soonest(), nullptr);
    } else {
      ASSERT_EQ(heap_.soonest()->expiry_ms(), *expiries.begin());
    }
  }

  memory::Arena arena_;
  ExpiryHeap heap_{&arena_};
  std::vector<Entry*> entries_;
  int made_ = 0;
};

TEST_F(ExpiryHeapTest, AnEmptyHeapHasNoSoonestAndOwnsNothing) {
  EXPECT_EQ(heap_.soonest(), nullptr);
  EXPECT_EQ(heap_.size(), 0u);
  EXPECT_EQ(arena_.used(), 0u);
}

TEST_F(ExpiryHeapTest, EntriesLeaveSoonestFirst) {
  for (int64_t ms : {50, 10, 40, 10, 30, 20, 0, INT32_MAX}) Add(ms);
  std::vector<int64_t> order;
  while (Entry* entry = heap_.soonest()) {
    order.push_back(entry->expiry_ms());
    heap_.Remove(entry);
    std::erase(entries_, entry);
    Entry::Delete(arena_, entry);
  }
  EXPECT_EQ(order, (std::vector<int64_t>{0, 10, 10, 20, 30, 40, 50, INT32_MAX}));
}

TEST_F(ExpiryHeapTest, RandomWorkAgreesWithASortedSet) {
  const uint64_t seed = 99;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  base::Random random(seed);
  for (int step = 0; step < 20000; ++step) {
    const bool growing = (step / 2000) % 2 == 0;
    const uint64_t dice = random.Below(10);
    const int64_t expiry = static_cast<int64_t>(random.Below(500));
    if (entries_.empty() || dice < (growing ? 6u : 2u)) {
      Add(expiry);
    } else {
      const size_t pick = random.Below(entries_.size());
      Entry* entry = entries_[pick];
      if (dice == 9) {
        entry->set_expiry_ms(expiry);
        heap_.Update(entry);
      } else if (dice == 8) {
        Entry* now = New(expiry);
        heap_.Replace(entry, now);
        Entry::Delete(arena_, entry);
        entries_[pick] = now;
      } else {
        heap_.Remove(entry);
        Entry::Delete(arena_, entry);
        entries_[pick] = entries_.back();
        entries_.pop_back();
      }
    }
    if (step % 50 == 0) ExpectAgreement();
    if (HasFatalFailure()) return;
  }
  ExpectAgreement();
}

TEST_F(ExpiryHeapTest, SwapExchangesContents) {
  Add(5);
  Add(3);
  ExpiryHeap other(&arena_);
  heap_.Swap(other);
  EXPECT_EQ(heap_.size(), 0u);
  EXPECT_EQ(other.size(), 2u);
  EXPECT_EQ(other.soonest()->expiry_ms(), 3);
}

}  // namespace
}  // namespace larder
