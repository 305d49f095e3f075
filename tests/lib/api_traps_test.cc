// What the typed API must not let a program do by accident: several keys taken for one, a Transaction that outlives its
// function, bytes that change while they are looked at, "no expiry" said in two ways.
#include <larder/cache.h>
#include <larder/session.h>

#include <sys/wait.h>
#include <unistd.h>

#include <cfloat>
#include <cmath>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace larder {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;
using ::testing::UnorderedElementsAre;

constexpr absl::StatusCode kFailedPrecondition = absl::StatusCode::kFailedPrecondition;

class ApiTrapsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Options options;
    options.clock = clock_;
    options.seed = 7;
    options.background = Background::kTick;
    auto cache = Cache::Open(options);
    ASSERT_TRUE(cache.ok()) << cache.status();
    cache_ = *std::move(cache);
  }

  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
  std::unique_ptr<Cache> cache_;
};

// --- Several keys. ---

TEST_F(ApiTrapsTest, KeysInBracesAreKeys) {
  ASSERT_TRUE(cache_->MSet({{"a", "1"}, {"b", "2"}, {"c", "3"}}).ok());
  EXPECT_EQ(*cache_->Exists({"a", "b"}), 2);
  EXPECT_EQ(*cache_->Exists({"a", "none"}), 1);
  EXPECT_EQ(*cache_->Delete({"a", "b"}), 2);
  EXPECT_EQ(*cache_->Delete({"c"}), 1);
  EXPECT_EQ(*cache_->Delete({}), 0);
  EXPECT_EQ(*cache_->Size(), 0);
  static_assert(std::is_same_v<decltype(cache_->Delete({"a", "b"})), absl::StatusOr<int64_t>>);
  static_assert(std::is_same_v<decltype(cache_->Exists({"a"})), absl::StatusOr<int64_t>>);
}

TEST_F(ApiTrapsTest, KeysMayBeStringsOfAVector) {
  std::vector<std::pair<std::string, std::string>> pairs;
  std::vector<std::string> keys;
  for (int i = 0; i < 40; ++i) {  // more than fit without memory
    keys.push_back("a key that is too long to be inside of its string, number " + std::to_string(i));
    pairs.emplace_back(keys.back(), std::to_string(i));
  }
  ASSERT_TRUE(cache_->MSet(pairs).ok());
  EXPECT_EQ(*cache_->Exists(keys), 40);
  auto values = cache_->MGet(keys);
  ASSERT_TRUE(values.ok());
  ASSERT_EQ(values->size(), 40u);
  for (int i = 0; i < 40; ++i) EXPECT_THAT((*values)[static_cast<size_t>(i)], Optional(std::to_string(i)));
  std::vector<std::optional<std::string>> into;
  ASSERT_TRUE(cache_->MGet(keys, &into).ok());
  EXPECT_EQ(into, *values);
  ASSERT_TRUE(cache_->MGet({keys[3], keys[5]}, &into).ok());
  EXPECT_THAT(into, ElementsAre(Optional(std::string("3")), Optional(std::string("5"))));
  EXPECT_EQ(*cache_->Delete(std::span<const std::string>(keys).first(39)), 39);
  EXPECT_EQ(*cache_->Delete(keys), 1);
}

TEST_F(ApiTrapsTest, ACommandsWordsMayBeStringsOfAVector) {
  const std::vector<std::string> set = {"SET", "k", "v"};
  EXPECT_TRUE(cache_->Execute(set)->is_ok());
  auto session = *cache_->NewSession();
  EXPECT_EQ(session->Execute(std::vector<std::string>{"GET", "k"})->string_view(), "v");
  std::string seen;
  ASSERT_TRUE(cache_->ExecuteAsync(std::vector<std::string>{"GET", "k"}, [&](absl::StatusOr<Reply> reply) {
    if (reply.ok()) seen = reply->AsString();
  }).ok());
  ASSERT_TRUE(cache_->Tick(absl::InfiniteFuture()).ok());
  EXPECT_EQ(seen, "v");
  const absl::Status status = cache_->Atomically([&](Transaction& t) {
    const std::vector<std::string_view> get = {"GET", "k"};
    EXPECT_EQ(t.Execute(get)->string_view(), "v");
    EXPECT_EQ(t.Execute(set)->AsString(), "OK");
  });
  EXPECT_TRUE(status.ok());
}

TEST_F(ApiTrapsTest, ACommandLaterIsOfItsDatabase) {
  std::string seen;
  ASSERT_TRUE(cache_->Db(3)->Set("k", "three").ok());
  ASSERT_TRUE(cache_->Db(3)->ExecuteAsync({"GET", "k"}, [&](absl::StatusOr<Reply> reply) {
    if (reply.ok()) seen = reply->AsString();
  }).ok());
  ASSERT_TRUE(cache_->Tick(absl::InfiniteFuture()).ok());
  EXPECT_EQ(seen, "three");
}

// Each of these would be one string_view from "a" to "b".
template <class C> concept GetsTwo = requires(C& c) { c.Get({"a", "b"}); };
template <class C> concept GetsTwoInto = requires(C& c, std::string* to) { c.Get({"a", "b"}, to); };
template <class C> concept SetsTwo = requires(C& c) { c.Set({"a", "b"}, "v"); };
template <class C> concept IncrementsTwo = requires(C& c) { c.Increment({"a", "b"}); };
template <class C> concept ExpiresTwo = requires(C& c) { c.Expire({"a", "b"}, absl::Seconds(1)); };
template <class C> concept PersistsTwo = requires(C& c) { c.Persist({"a", "b"}); };
template <class C> concept AsksTtlOfTwo = requires(C& c) { c.Ttl({"a", "b"}); };
template <class C> concept GetsOne = requires(C& c) { c.Get("a"); c.Set("a", "v"); c.Get(std::string("a")); };
static_assert(GetsOne<Cache> && GetsOne<Database> && GetsOne<Transaction>);
static_assert(!GetsTwo<Cache> && !GetsTwoInto<Cache> && !SetsTwo<Cache> && !IncrementsTwo<Cache>);
static_assert(!ExpiresTwo<Cache> && !PersistsTwo<Cache> && !AsksTtlOfTwo<Cache>);

// --- ScanRange. ---

TEST_F(ApiTrapsTest, AScanRangeOwnsItsPattern) {
  ASSERT_TRUE(cache_->MSet({{"user:with a long name:1", "x"}, {"user:with a long name:2", "x"}, {"other", "x"}}).ok());
  auto pattern = std::make_unique<std::string>("user:with a long name:*");
  ScanRange first = cache_->Scan({.match = *pattern, .batch = 1});
  pattern->assign(pattern->size(), '!');
  pattern.reset();
  ScanRange keys = std::move(first);  // moving must not leave it with the old one's bytes either
  std::vector<std::string> seen;
  for (const std::string& key : keys) seen.push_back(key);
  EXPECT_TRUE(keys.status().ok());
  EXPECT_THAT(seen, UnorderedElementsAre("user:with a long name:1", "user:with a long name:2"));
}

TEST_F(ApiTrapsTest, AScanRangeThatWasMovedFromHasEnded) {
  ASSERT_TRUE(cache_->MSet({{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}}).ok());
  for (const size_t batch : {size_t{1}, size_t{64}}) {
    for (const bool assign : {false, true}) {
      std::vector<std::string> seen;
      ScanRange from = cache_->Scan({.batch = batch});
      ScanRange::Iterator old = from.begin();  // in the middle of a batch
      seen.push_back(*old);
      ScanRange to = cache_->Scan({.match = "none"});
      if (assign) {
        to = std::move(from);
      } else {
        ScanRange made(std::move(from));
        to = std::move(made);
      }
      EXPECT_EQ(++old, from.end());
      for (const std::string& key : from) ADD_FAILURE() << key;
      EXPECT_EQ(from.status().code(), kFailedPrecondition) << from.status();
      EXPECT_THAT(std::string(from.status().message()), HasSubstr("moved"));
      for (const std::string& key : to) seen.push_back(key);
      EXPECT_TRUE(to.status().ok()) << to.status();
      EXPECT_THAT(seen, UnorderedElementsAre("a", "b", "c", "d"));
      from = std::move(to);  // and it may be given another
      EXPECT_TRUE(from.status().ok());
      EXPECT_EQ(from.begin(), from.end());
    }
  }
}

// --- Transactions. ---

static_assert(!std::is_copy_constructible_v<Transaction> && !std::is_move_constructible_v<Transaction>);
static_assert(!std::is_copy_assignable_v<Transaction> && !std::is_move_assignable_v<Transaction>);
static_assert(!std::is_constructible_v<Database, Transaction&> &&
              !std::is_constructible_v<Database, const Transaction&> &&
              !std::is_constructible_v<Database, Transaction>);
static_assert(!std::is_assignable_v<Database&, Transaction&> && !std::is_assignable_v<Database&, Transaction>);
static_assert(!std::is_constructible_v<std::optional<Database>, Transaction&>);
static_assert(!std::is_constructible_v<absl::StatusOr<Database>, absl::StatusOr<Transaction>>);
static_assert(!std::is_copy_constructible_v<Cache>);
static_assert(std::is_copy_constructible_v<Database> && std::is_copy_assignable_v<Database>);

// Every call that there is, by its status.
std::vector<absl::Status> AllCalls(const Database& db) {
  std::vector<absl::Status> all;
  std::string value;
  std::vector<std::optional<std::string>> values;
  all.push_back(db.Get("k").status());
  all.push_back(db.Get("k", &value).status());
  all.push_back(db.View("k", [](std::optional<std::string_view>) {}));
  all.push_back(db.Set("k", "changed").status());
  all.push_back(db.Set("k", "changed", {.keep_ttl = true}).status());
  all.push_back(db.SetAndGet("k", "changed").status());
  all.push_back(db.MGet({"k", "l"}).status());
  all.push_back(db.MGet({"k"}, &values));
  all.push_back(db.MSet({{"k", "changed"}}));
  all.push_back(db.Increment("n").status());
  all.push_back(db.IncrementFloat("n", 1).status());
  all.push_back(db.Append("k", "more").status());
  all.push_back(db.SetRange("k", 0, "more").status());
  all.push_back(db.GetRange("k", 0, 1).status());
  all.push_back(db.Delete("k").status());
  all.push_back(db.Delete({"k", "l"}).status());
  all.push_back(db.Exists("k").status());
  all.push_back(db.Exists({"k", "l"}).status());
  all.push_back(db.Expire("k", absl::Seconds(1)).status());
  all.push_back(db.Expire("k", absl::InfiniteDuration()).status());
  all.push_back(db.ExpireAt("k", absl::FromUnixSeconds(2'000'000'000)).status());
  all.push_back(db.Persist("k").status());
  all.push_back(db.Ttl("k").status());
  all.push_back(db.Size().status());
  all.push_back(db.Execute({"GET", "k"}).status());
  all.push_back(db.Execute({"DEL", "k"}).status());
  all.push_back(db.ExecuteAsync({"DEL", "k"}, [](absl::StatusOr<Reply>) {}));
  all.push_back(
      db.GetOrLoad("none", absl::Seconds(1), []() -> absl::StatusOr<std::string> { return std::string(); }).status());
  ScanRange keys = db.Scan();
  for (const std::string& key : keys) ADD_FAILURE() << key;
  all.push_back(keys.status());
  return all;
}

TEST_F(ApiTrapsTest, InsideViewEveryCallOfATransactionIsRefused) {
  ASSERT_TRUE(cache_->Set("k", "kept").ok());
  const absl::Status status = cache_->Atomically([&](Transaction& t) -> absl::Status {
    const absl::Status viewed = t.View("k", [&](std::optional<std::string_view> value) {
      for (const absl::Status& refused : AllCalls(t)) EXPECT_EQ(refused.code(), kFailedPrecondition) << refused;
      for (const absl::Status& refused : AllCalls(*cache_)) EXPECT_EQ(refused.code(), kFailedPrecondition) << refused;
      EXPECT_EQ(t.Db(1).status().code(), kFailedPrecondition);
      EXPECT_EQ(value, "kept");
    });
    if (!viewed.ok()) return viewed;
    return t.Set("k", "after").status();  // and then it is usable again
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(**cache_->Get("k"), "after");
}

TEST_F(ApiTrapsTest, AnExceptionInsideViewLeavesTheTransactionUsable) {
  const absl::Status status = cache_->Atomically([&](Transaction& t) -> absl::Status {
    EXPECT_THROW((void)t.View("k", [](std::optional<std::string_view>) { throw 1; }), int);
    return t.Set("k", "v").status();
  });
  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(ApiTrapsTest, WhatOutlivesItsTransactionIsRefused) {
  ASSERT_TRUE(cache_->Set("k", "kept").ok());
  std::optional<Database> copy;
  std::optional<ScanRange> range;
  ASSERT_TRUE(cache_->Atomically([&](Transaction& t) {
    const Database& as_database = t;
    copy.emplace(as_database);  // the one way that is left
    range.emplace(t.Scan());
    EXPECT_EQ(**copy->Get("k"), "kept");
    std::thread([&] { EXPECT_EQ(copy->Get("k").status().code(), kFailedPrecondition); }).join();
  }).ok());
  for (const absl::Status& refused : AllCalls(*copy)) EXPECT_EQ(refused.code(), kFailedPrecondition) << refused;
  for (const std::string& key : *range) ADD_FAILURE() << key;
  EXPECT_EQ(range->status().code(), kFailedPrecondition);
  EXPECT_EQ(**cache_->Get("k"), "kept");
}

TEST_F(ApiTrapsTest, WhatOutlivesItsTransactionIsRefusedInsideALaterOne) {
  ASSERT_TRUE(cache_->Set("k", "kept").ok());
  ASSERT_TRUE(cache_->Db(3)->Set("k", "kept").ok());
  std::optional<Database> copy, copy_of_other;
  std::optional<ScanRange> range, begun;
  ASSERT_TRUE(cache_->Atomically([&](Transaction& t) {
    const Database& as_database = t;
    copy.emplace(as_database);
    auto other = t.Db(3);
    ASSERT_TRUE(other.ok());
    const Database& other_as_database = *other;
    copy_of_other.emplace(other_as_database);
    range.emplace(t.Scan());
    begun.emplace(t.Scan());
    EXPECT_EQ(*begun->begin(), "k");
    EXPECT_EQ(**copy_of_other->Get("k"), "kept");
  }).ok());
  for (int again = 0; again < 2; ++again) {
    ASSERT_TRUE(cache_->Atomically([&](Transaction& t) {
      for (const absl::Status& refused : AllCalls(*copy)) EXPECT_EQ(refused.code(), kFailedPrecondition) << refused;
      for (const absl::Status& refused : AllCalls(*copy_of_other)) {
        EXPECT_EQ(refused.code(), kFailedPrecondition) << refused;
      }
      for (const std::string& key : *range) ADD_FAILURE() << key;
      EXPECT_EQ(range->status().code(), kFailedPrecondition);
      EXPECT_EQ(**t.Get("k"), "kept");
      EXPECT_TRUE(t.View("k", [](std::optional<std::string_view>) {}).ok());
      EXPECT_EQ(**t.Get("k"), "kept");  // View pauses the transaction and does not end it
    }).ok());
  }
}

TEST_F(ApiTrapsTest, AForkInsideATransactionMayNotUseIt) {
  ASSERT_TRUE(cache_->Set("k", "kept").ok());
  int status = -1;
  ASSERT_TRUE(cache_->Atomically([&](Transaction& t) {
    const pid_t child = fork();
    if (child == 0) {
      for (const absl::Status& refused : AllCalls(t)) {
        if (refused.code() != kFailedPrecondition) _exit(1);
      }
      _exit(t.Db(1).status().code() == kFailedPrecondition ? 0 : 2);
    }
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(**t.Get("k"), "kept");
  }).ok());
  EXPECT_EQ(status, 0);
}

TEST_F(ApiTrapsTest, ATransactionOfAnotherDatabaseIsHeldToTheSame) {
  ASSERT_TRUE(cache_->Atomically([&](Transaction& t) -> absl::Status {
    auto other = t.Db(3);
    if (!other.ok()) return other.status();
    EXPECT_TRUE(other->Set("k", "three").ok());
    return t.View("none", [&](std::optional<std::string_view>) {
      for (const absl::Status& refused : AllCalls(*other)) EXPECT_EQ(refused.code(), kFailedPrecondition) << refused;
    });
  }).ok());
  EXPECT_EQ(**cache_->Db(3)->Get("k"), "three");
}

// --- No expiry. ---

TEST_F(ApiTrapsTest, TheTtlOfOneKeyIsGoodForAnother) {
  ASSERT_TRUE(cache_->Set("for ever", "v").ok());
  ASSERT_TRUE(cache_->Set("for a while", "v", {.ttl = absl::Seconds(10)}).ok());
  for (const char* like : {"for ever", "for a while"}) {
    const std::optional<absl::Duration> ttl = *cache_->Ttl(like);
    EXPECT_TRUE(*cache_->Set("other", "v", {.ttl = *ttl}));
    EXPECT_EQ(*cache_->Ttl("other"), ttl);
    EXPECT_EQ(*cache_->GetOrLoad("loaded", *ttl, []() -> absl::StatusOr<std::string> { return std::string("v"); }),
              "v");
    EXPECT_EQ(*cache_->Ttl("loaded"), ttl);
    EXPECT_TRUE(*cache_->Expire("loaded", *ttl));
    EXPECT_EQ(*cache_->Ttl("loaded"), ttl);
    ASSERT_TRUE(cache_->Delete({"other", "loaded"}).ok());
  }
}

TEST_F(ApiTrapsTest, NoExpiryIsInfinite) {
  ASSERT_TRUE(cache_->Set("k", "v", {.ttl = absl::Seconds(10)}).ok());
  EXPECT_TRUE(*cache_->Set("k", "v", {.ttl = absl::InfiniteDuration(), .expire_at = absl::InfiniteFuture()}));
  EXPECT_EQ(**cache_->Ttl("k"), absl::InfiniteDuration());
  EXPECT_TRUE(*cache_->Expire("k", absl::Seconds(10)));
  EXPECT_EQ(**cache_->Ttl("k"), absl::Seconds(10));
  EXPECT_TRUE(*cache_->Set("k", "w", {.ttl = absl::InfiniteDuration(), .keep_ttl = true}));
  EXPECT_EQ(**cache_->Ttl("k"), absl::Seconds(10));
  EXPECT_TRUE(*cache_->Expire("k", absl::InfiniteDuration()));
  EXPECT_EQ(**cache_->Ttl("k"), absl::InfiniteDuration());
  EXPECT_TRUE(*cache_->Expire("k", absl::InfiniteDuration()));  // true: there is the key
  EXPECT_FALSE(*cache_->Expire("none", absl::InfiniteDuration()));
  EXPECT_TRUE(*cache_->Expire("k", absl::Seconds(10)));
  EXPECT_TRUE(*cache_->ExpireAt("k", absl::InfiniteFuture()));
  EXPECT_FALSE(*cache_->ExpireAt("none", absl::InfiniteFuture()));
  EXPECT_EQ(**cache_->Ttl("k"), absl::InfiniteDuration());
  EXPECT_TRUE(*cache_->Expire("k", -absl::InfiniteDuration()));  // that time has passed
  EXPECT_FALSE(*cache_->Exists("k"));
  EXPECT_EQ(cache_->Set("k", "v", {.expire_at = absl::InfinitePast()}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

// --- Numbers, use, codes. ---

TEST_F(ApiTrapsTest, IncrementFloatBeyondADoubleChangesNothing) {
  constexpr absl::StatusCode kOutOfRange = absl::StatusCode::kOutOfRange;
  EXPECT_EQ(*cache_->IncrementFloat("f", DBL_MAX), DBL_MAX);
  const std::string before = **cache_->Get("f");
  EXPECT_EQ(cache_->IncrementFloat("f", DBL_MAX).status().code(), kOutOfRange);
  EXPECT_EQ(**cache_->Get("f"), before);
  EXPECT_EQ(*cache_->IncrementFloat("f", -DBL_MAX), 0);
  // A command's sum is a long double, as in Redis; the typed call cannot return that, down either.
  ASSERT_FALSE(cache_->Execute({"INCRBYFLOAT", "f", "-1e4000"})->is_error());
  EXPECT_EQ(cache_->IncrementFloat("f", 1).status().code(), kOutOfRange);
  EXPECT_EQ(cache_->IncrementFloat("none", INFINITY).status().code(), kOutOfRange);
  EXPECT_EQ(cache_->IncrementFloat("none", NAN).status().code(), kOutOfRange);
  EXPECT_FALSE(*cache_->Exists("none"));
}

TEST_F(ApiTrapsTest, ExistsAndTtlLeaveAKeyIdle) {
  ASSERT_TRUE(cache_->Set("k", "v").ok());
  clock_->Advance(absl::Seconds(100));
  EXPECT_TRUE(*cache_->Exists("k"));
  EXPECT_EQ(*cache_->Exists({"k", "k"}), 2);
  EXPECT_TRUE(cache_->Ttl("k")->has_value());
  EXPECT_EQ(cache_->Execute({"OBJECT", "IDLETIME", "k"})->integer(), 100);
  EXPECT_TRUE(cache_->Get("k")->has_value());
  EXPECT_EQ(cache_->Execute({"OBJECT", "IDLETIME", "k"})->integer(), 0);
}

}  // namespace
}  // namespace larder
