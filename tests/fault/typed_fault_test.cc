// Every allocation of every typed call fails once, alone and with all that follow it.
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include <larder/bitmap.h>
#include <larder/cache.h>
#include <larder/geo.h>
#include <larder/hash.h>
#include <larder/hyperloglog.h>
#include <larder/items.h>
#include <larder/list.h>
#include <larder/pubsub.h>
#include <larder/set.h>
#include <larder/sort.h>
#include <larder/sorted_set.h>
#include <larder/stream.h>
#include "tests/fault/world.h"

namespace larder::testing {
namespace {

std::string TextOf(bool value) { return value ? "true" : "false"; }
std::string TextOf(int64_t value) { return std::to_string(value); }
std::string TextOf(double value) { return std::to_string(value); }
std::string TextOf(const std::string& value) { return value; }
std::string TextOf(absl::Time value) { return absl::FormatTime(value, absl::UTCTimeZone()); }
std::string TextOf(absl::Duration value) { return absl::FormatDuration(value); }
std::string TextOf(const Database& value) { return "database " + std::to_string(value.index()); }
std::string TextOf(const Stats& value) { return std::to_string(value.keys) + " keys"; }
std::string TextOf(const std::pair<std::string, std::string>& value) { return value.first + "=" + value.second; }
std::string TextOf(const ScoredMember& value) { return value.member + "=" + std::to_string(value.score); }
std::string TextOf(const SortedSet::AddResult& value) {
  return std::to_string(value.added) + " added, " + std::to_string(value.changed) + " changed";
}
std::string TextOf(const PoppedElement& value) { return value.key + ":" + value.element; }
std::string TextOf(const PoppedMember& value) { return value.key + ":" + TextOf(value.member); }
std::string TextOf(const GeoPoint& value) {
  return std::to_string(value.longitude) + " " + std::to_string(value.latitude);
}
std::string TextOf(StreamId value) { return std::to_string(value.ms) + "-" + std::to_string(value.sequence); }
std::string TextOf(const StreamEntry& value);
std::string TextOf(const PoppedElements& value);
std::string TextOf(const PoppedMembers& value);
std::string TextOf(const GeoFound& value);
template <class T>
std::string TextOf(const std::optional<T>& value) {
  return value.has_value() ? TextOf(*value) : "none";
}
template <class T>
std::string TextOf(const std::vector<T>& values) {
  std::string text;
  for (const T& value : values) text += TextOf(value) + ", ";
  return text;
}

std::string TextOf(const PoppedElements& value) { return value.key + ":" + TextOf(value.elements); }
std::string TextOf(const PoppedMembers& value) { return value.key + ":" + TextOf(value.members); }
std::string TextOf(const GeoFound& value) {
  return value.member + " " + TextOf(value.distance) + " " + TextOf(value.point);
}
std::string TextOf(const StreamEntry& value) { return TextOf(value.id) + " " + TextOf(value.fields); }

Outcome OutcomeOfResult(const absl::Status& status) { return OutcomeOf(status); }
Outcome OutcomeOfResult(const absl::StatusOr<Reply>& reply) { return OutcomeOf(reply); }
template <class T>
Outcome OutcomeOfResult(const absl::StatusOr<T>& result) {
  if (!result.ok()) return OutcomeOf(result.status());
  return {Outcome::kDone, TextOf(*result)};
}

// fn(Cache&) returns an absl::Status or an absl::StatusOr. It allocates nothing by itself. `before` is run first, with
// all the memory that it wants.
template <class F>
Case Typed(std::string name, F fn, void (*before)(Cache& cache) = nullptr) {
  using Result = std::invoke_result_t<F, Cache&>;
  struct State {
    std::optional<Result> result;
  };
  Case result;
  result.name = std::move(name);
  result.prepare = [fn, before](World& world) {
    if (before != nullptr) before(world.cache());
    auto state = std::make_shared<State>();
    Attempt attempt;
    attempt.run = [state, fn, &world] { state->result.emplace(fn(world.cache())); };
    attempt.describe = [state] { return OutcomeOfResult(*state->result); };
    return attempt;
  };
  return result;
}

constexpr std::string_view kKeys[] = {"missing", "short", "number", "medium", "large", "huge", "ttl", "ttl-large"};
constexpr size_t kSizes[] = {5, 700, 3000, 40'000};

void FailAll(const std::vector<Case>& cases) {
  for (const Case& one : cases) FailEach(one, Modes::kBoth);
}

std::string Name(const char* call, std::string_view key, size_t size = 0) {
  return std::string(call) + " " + std::string(key) + (size == 0 ? "" : " " + std::to_string(size));
}

TEST(TypedFaultTest, Reads) {
  std::vector<Case> cases;
  for (std::string_view key : kKeys) {
    cases.push_back(Typed(Name("Get", key), [key](Cache& cache) { return cache.Get(key); }));
    cases.push_back(Typed(Name("Get into", key), [key](Cache& cache) -> absl::StatusOr<bool> {
      std::string value;
      return cache.Get(key, &value);
    }));
    cases.push_back(Typed(Name("View", key), [key](Cache& cache) {
      return cache.View(key, [](std::optional<std::string_view>) {});
    }));
    cases.push_back(Typed(Name("GetRange", key), [key](Cache& cache) { return cache.GetRange(key, 1, 5000); }));
    cases.push_back(Typed(Name("Exists", key), [key](Cache& cache) { return cache.Exists(key); }));
    cases.push_back(Typed(Name("Ttl", key), [key](Cache& cache) { return cache.Ttl(key); }));
  }
  cases.push_back(Typed("MGet", [](Cache& cache) { return cache.MGet(kKeys); }));
  cases.push_back(Typed("Exists of many", [](Cache& cache) { return cache.Exists(kKeys); }));
  cases.push_back(Typed("Size", [](Cache& cache) { return cache.Size(); }));
  cases.push_back(Typed("Stats", [](Cache& cache) { return cache.Stats(); }));
  cases.push_back(Typed("Scan", [](Cache& cache) -> absl::StatusOr<int64_t> {
    ScanRange keys = cache.Scan({.match = "*r*", .batch = 3});
    int64_t bytes = 0;
    for (const std::string& key : keys) bytes += static_cast<int64_t>(key.size());
    if (!keys.status().ok()) return keys.status();
    return bytes;
  }));
  const auto walk = [](Cache& cache, const ItemOptions& options) -> absl::StatusOr<int64_t> {
    ItemRange items = cache.Items(options);
    int64_t bytes = 0;
    for (const Item& item : items) bytes += static_cast<int64_t>(item.key().size() + item.value().value_or("").size());
    if (!items.status().ok()) return items.status();
    return bytes;
  };
  cases.push_back(Typed("Items", [walk](Cache& cache) { return walk(cache, {}); }));
  cases.push_back(Typed("Items of some", [walk](Cache& cache) {
    return walk(cache, {.match = "*r*", .type = KeyType::kString, .batch = 3});
  }));
  FailAll(cases);
}

TEST(TypedFaultTest, Writes) {
  std::vector<Case> cases;
  for (const size_t size : kSizes) {
    const std::string& value = World::ValueOf(size);
    for (std::string_view key : {"fresh", "short", "large", "huge", "ttl"}) {
      cases.push_back(Typed(Name("Set", key, size), [key, &value](Cache& cache) { return cache.Set(key, value); }));
      cases.push_back(Typed(Name("Set with ttl", key, size), [key, &value](Cache& cache) {
        return cache.Set(key, value, {.ttl = absl::Seconds(5)});
      }));
      cases.push_back(Typed(Name("Set if present", key, size), [key, &value](Cache& cache) {
        return cache.Set(key, value, {.keep_ttl = true, .condition = SetOptions::If::kPresent});
      }));
      cases.push_back(Typed(Name("Append", key, size), [key, &value](Cache& cache) {
        return cache.Append(key, value);
      }));
      cases.push_back(Typed(Name("SetRange", key, size), [key, &value](Cache& cache) {
        return cache.SetRange(key, 10, value);
      }));
    }
  }
  for (std::string_view key : {"fresh", "number", "short"}) {
    cases.push_back(Typed(Name("Increment", key), [key](Cache& cache) { return cache.Increment(key, 1'000'000); }));
    cases.push_back(Typed(Name("IncrementFloat", key), [key](Cache& cache) { return cache.IncrementFloat(key, 0.5); }));
  }
  for (std::string_view key : kKeys) {
    cases.push_back(Typed(Name("Delete", key), [key](Cache& cache) { return cache.Delete(key); }));
    cases.push_back(Typed(Name("Expire", key), [key](Cache& cache) { return cache.Expire(key, absl::Seconds(7)); }));
    cases.push_back(Typed(Name("ExpireAt", key), [key](Cache& cache) {
      return cache.ExpireAt(key, absl::FromUnixSeconds(4'000'000'000));
    }));
    cases.push_back(Typed(Name("Persist", key), [key](Cache& cache) { return cache.Persist(key); }));
  }
  cases.push_back(Typed("Delete of many", [](Cache& cache) { return cache.Delete(kKeys); }));
  FailAll(cases);
}

// The old value is the result of what has been done by then: without memory for it the code says DATA_LOSS, or nothing
// was done.
TEST(TypedFaultTest, SetAndGet) {
  std::vector<Case> cases;
  for (const size_t size : kSizes) {
    const std::string& value = World::ValueOf(size);
    for (std::string_view key : {"fresh", "short", "large", "huge", "ttl"}) {
      cases.push_back(Typed(Name("SetAndGet", key, size), [key, &value](Cache& cache) {
        return cache.SetAndGet(key, value);
      }));
    }
  }
  FailAll(cases);
}

TEST(TypedFaultTest, MSet) {
  static std::vector<std::string> names;
  for (int i = 0; i < 100; ++i) names.push_back("new:" + std::to_string(i));
  std::vector<std::pair<std::string_view, std::string_view>> small;
  std::vector<std::pair<std::string_view, std::string_view>> large;
  for (size_t i = 0; i < names.size(); ++i) {
    small.emplace_back(names[i], World::ValueOf(20));
    if (i < 8) large.emplace_back(names[i], World::ValueOf(kSizes[i % 4]));
  }
  large.emplace_back("short", World::ValueOf(3000));
  large.emplace_back("huge", "now short");
  std::vector<Case> cases;
  cases.push_back(Typed("MSet of small ones", [&small](Cache& cache) { return cache.MSet(small); }));
  cases.push_back(Typed("MSet of large ones", [&large](Cache& cache) { return cache.MSet(large); }));
  for (Case& each : cases) each.keeps_room = true;
  FailAll(cases);
}

// ---- Handles --------------------------------------------------------------------------------------------------------

// Keys as short as those that a std::string holds without memory, so that a handle needs none.
template <int kElements>
void FillCollections(Cache& cache) {
  const Hash hash(cache, "h");
  const List list(cache, "l");
  const larder::Set set(cache, "s");
  const SortedSet zset(cache, "z");
  for (int i = 0; i < kElements; ++i) {
    const std::string name = "element:" + std::to_string(i);
    ASSERT_TRUE(hash.Set(name, World::ValueOf(i % 50 == 0 ? 3000 : 20)).ok());
    ASSERT_TRUE(list.PushBack(name).ok());
    ASSERT_TRUE(set.Add(name).ok());
    ASSERT_TRUE(zset.Add(name, i).ok());
  }
  ASSERT_TRUE(list.PushFront(World::ValueOf(3000)).ok());
}

void FailAllKeepingRoom(std::vector<Case> cases) {
  for (Case& each : cases) each.keeps_room = true;
  FailAll(cases);
}

template <class Range>
absl::StatusOr<int64_t> CountOf(Range range) {
  int64_t count = 0;
  for (auto at = range.begin(); at != range.end(); ++at) ++count;
  if (!range.status().ok()) return range.status();
  return count;
}

template <int kElements>
void FailHandlesOf() {
  std::vector<Case> cases;
  const auto add = [&](const char* name, auto fn) { cases.push_back(Typed(name, fn, FillCollections<kElements>)); };
  using namespace std::string_view_literals;
  static const std::string& kLong = World::ValueOf(3000);
  add("Hash::Get", [](Cache& c) { return Hash(c, "h").Get("element:1"); });
  add("Hash::Get of a long value", [](Cache& c) { return Hash(c, "h").Get("element:0"); });
  add("Hash::Get of several", [](Cache& c) { return Hash(c, "h").Get({"element:0"sv, "none"sv, "element:2"sv}); });
  add("Hash::Set", [](Cache& c) { return Hash(c, "h").Set("fresh", kLong); });
  add("Hash::Set of several", [](Cache& c) { return Hash(c, "h").Set({{"fresh", "x"}, {"element:0", kLong}}); });
  add("Hash::Delete", [](Cache& c) { return Hash(c, "h").Delete("element:1"); });
  add("Hash::Delete of several", [](Cache& c) { return Hash(c, "h").Delete({"element:0"sv, "element:1"sv}); });
  add("Hash::Increment", [](Cache& c) { return Hash(c, "h").Increment("n"); });
  add("Hash::IncrementFloat", [](Cache& c) { return Hash(c, "h").IncrementFloat("n", 0.5); });
  add("Hash::Entries", [](Cache& c) { return Hash(c, "h").Entries(); });
  add("Hash::Scan", [](Cache& c) { return CountOf(Hash(c, "h").Scan()); });
  add("List::PushFront", [](Cache& c) { return List(c, "l").PushFront(kLong); });
  add("List::PushBack of several", [](Cache& c) { return List(c, "l").PushBack({"a"sv, "b"sv}); });
  add("List::PopFront", [](Cache& c) { return List(c, "l").PopFront(); });
  add("List::PopBack of several", [](Cache& c) { return List(c, "l").PopBack(3); });
  add("List::MoveTo", [](Cache& c) { return List(c, "l").MoveTo("m", List::End::kFront, List::End::kBack); });
  add("List::Range", [](Cache& c) { return List(c, "l").Range(0, -1); });
  add("List::Set", [](Cache& c) { return List(c, "l").Set(1, kLong); });
  add("List::InsertAfter", [](Cache& c) { return List(c, "l").InsertAfter("element:2", "x"); });
  add("List::Remove", [](Cache& c) { return List(c, "l").Remove("element:2"); });
  add("List::Trim", [](Cache& c) { return List(c, "l").Trim(1, -2); });
  add("List::Scan", [](Cache& c) { return CountOf(List(c, "l").Scan()); });
  add("Set::Add", [](Cache& c) { return larder::Set(c, "s").Add("fresh"); });
  add("Set::Add of several", [](Cache& c) { return larder::Set(c, "s").Add({"fresh"sv, std::string_view(kLong)}); });
  add("Set::Remove", [](Cache& c) { return larder::Set(c, "s").Remove("element:1"); });
  add("Set::Members", [](Cache& c) { return larder::Set(c, "s").Members(); });
  add("Set::MoveTo", [](Cache& c) { return larder::Set(c, "s").MoveTo("t", "element:1"); });
  add("Set::Union", [](Cache& c) { return larder::Set(c, "s").Union({"t"sv}); });
  add("Set::StoreUnion", [](Cache& c) { return larder::Set(c, "t").StoreUnion({"s"sv}); });
  add("Set::Scan", [](Cache& c) { return CountOf(larder::Set(c, "s").Scan()); });
  add("SortedSet::Add", [](Cache& c) { return SortedSet(c, "z").Add("fresh", 1.5); });
  add("SortedSet::Add of several", [](Cache& c) { return SortedSet(c, "z").Add({{"fresh", 1}, {"element:1", 9}}); });
  add("SortedSet::Increment", [](Cache& c) { return SortedSet(c, "z").Increment("element:1", 7); });
  add("SortedSet::Remove", [](Cache& c) { return SortedSet(c, "z").Remove("element:1"); });
  add("SortedSet::Range", [](Cache& c) { return SortedSet(c, "z").Range(0, -1); });
  add("SortedSet::RemoveRange", [](Cache& c) { return SortedSet(c, "z").RemoveRange(ScoreRange{.max = 3}); });
  add("SortedSet::PopMin", [](Cache& c) { return SortedSet(c, "z").PopMin(3); });
  add("SortedSet::Scan", [](Cache& c) { return CountOf(SortedSet(c, "z").Scan()); });
  add("Sort", [](Cache& c) { return Sort(c, "l", {.alpha = true}); });
  FailAllKeepingRoom(std::move(cases));
}

TEST(TypedFaultTest, HandlesOfNothing) { FailHandlesOf<0>(); }
TEST(TypedFaultTest, HandlesOfSmallOnes) { FailHandlesOf<5>(); }
TEST(TypedFaultTest, HandlesOfTrees) { FailHandlesOf<300>(); }

TEST(TypedFaultTest, HandlesOfStreamsAndStrings) {
  std::vector<Case> cases;
  const auto before = [](Cache& cache) {
    const Stream stream(cache, "x");
    ASSERT_TRUE(stream.CreateGroup("g", StreamId()).ok());
    for (uint64_t i = 1; i <= 5; ++i) ASSERT_TRUE(stream.Add({{"f", "v"}}, {.id = StreamId{i, 0}}).ok());
    const Stream many(cache, "many");
    for (uint64_t i = 1; i <= 300; ++i) ASSERT_TRUE(many.Add({{"f", "v"}}, {.id = StreamId{i, 0}}).ok());
  };
  const auto add = [&](const char* name, auto fn) { cases.push_back(Typed(name, fn, before)); };
  add("Stream::Add", [](Cache& c) { return Stream(c, "x").Add({{"f", "v"}}, {.id = StreamId{9, 0}}); });
  add("Stream::Range", [](Cache& c) { return Stream(c, "x").Range(); });
  add("Stream::ReadGroup", [](Cache& c) { return Stream(c, "x").ReadGroup("g", "me", 2); });
  add("Stream::Scan", [](Cache& c) { return CountOf(Stream(c, "x").Scan()); });
  add("Stream::Scan of many", [](Cache& c) { return CountOf(Stream(c, "many").Scan()); });
  add("Bitmap::Set", [](Cache& c) { return Bitmap(c, "b").Set(70'000); });
  add("HyperLogLog::Add", [](Cache& c) { return HyperLogLog(c, "p").Add("x"); });
  FailAllKeepingRoom(std::move(cases));
}

// The typed calls that wait, of keys that have something.
TEST(TypedFaultTest, BlockingCallsThatFindSomething) {
  std::vector<Case> cases;
  const auto before = [](Cache& cache) {
    FillCollections<5>(cache);
    const Stream stream(cache, "x");
    ASSERT_TRUE(stream.CreateGroup("g", StreamId()).ok());
    for (uint64_t i = 1; i <= 5; ++i) ASSERT_TRUE(stream.Add({{"f", "v"}}, {.id = StreamId{i, 0}}).ok());
  };
  const auto add = [&](const char* name, auto fn) { cases.push_back(Typed(name, fn, before)); };
  static constexpr absl::Duration kForEver = absl::InfiniteDuration();
  add("List::BlockingPopFront", [](Cache& c) { return List(c, "l").BlockingPopFront(kForEver); });
  add("List::BlockingMoveTo", [](Cache& c) {
    return List(c, "l").BlockingMoveTo("m", List::End::kFront, List::End::kBack, kForEver);
  });
  add("BlockingPopBack", [](Cache& c) { return BlockingPopBack(c, {"k", "l"}, kForEver); });
  add("BlockingPopFront of several", [](Cache& c) { return BlockingPopFront(c, {"k", "l"}, 3, kForEver); });
  add("SortedSet::BlockingPopMin", [](Cache& c) { return SortedSet(c, "z").BlockingPopMin(kForEver); });
  add("BlockingPopMax", [](Cache& c) { return BlockingPopMax(c, {"k", "z"}, kForEver); });
  add("BlockingPopMin of several", [](Cache& c) { return BlockingPopMin(c, {"k", "z"}, 3, kForEver); });
  add("Stream::BlockingReadAfter", [](Cache& c) { return Stream(c, "x").BlockingReadAfter({2, 0}, 2, kForEver); });
  add("Stream::BlockingReadGroup", [](Cache& c) { return Stream(c, "x").BlockingReadGroup("g", "me", 2, kForEver); });
  FailAllKeepingRoom(std::move(cases));
}

// A clock on which any time that is waited for comes at once, so that one thread is enough to wait.
class HastyClock final : public Clock {
 public:
  int64_t NowUs() override { return now_us_.load(std::memory_order_relaxed); }
  bool WaitUntil(std::unique_lock<std::mutex>&, std::condition_variable&, int64_t deadline_us) override {
    EXPECT_NE(deadline_us, INT64_MAX);
    if (deadline_us > NowUs()) now_us_.store(deadline_us, std::memory_order_relaxed);
    return false;
  }

 private:
  std::atomic<int64_t> now_us_{1'700'000'000'000'000};
};

TEST(TypedFaultTest, BlockingCallsWhoseTimeIsOver) {
  std::vector<Case> cases;
  static const auto clock = std::make_shared<HastyClock>();
  const auto add = [&](const char* name, auto fn) {
    Case one = Typed(name, fn, [](Cache& cache) { ASSERT_TRUE(Stream(cache, "x").CreateGroup("g", {}).ok()); });
    one.options = [](Options& options) { options.clock = clock; };
    cases.push_back(std::move(one));
  };
  static constexpr absl::Duration kTime = absl::Milliseconds(3);
  add("List::BlockingPopFront", [](Cache& c) { return List(c, "l").BlockingPopFront(kTime); });
  add("List::BlockingMoveTo", [](Cache& c) {
    return List(c, "l").BlockingMoveTo("m", List::End::kFront, List::End::kBack, kTime);
  });
  add("BlockingPopFront", [](Cache& c) { return BlockingPopFront(c, {"k", "l"}, 3, kTime); });
  add("BlockingPopMin", [](Cache& c) { return BlockingPopMin(c, {"k", "z"}, 3, kTime); });
  add("Stream::BlockingReadGroup", [](Cache& c) { return Stream(c, "x").BlockingReadGroup("g", "me", 2, kTime); });
  FailAllKeepingRoom(std::move(cases));
}

TEST(TypedFaultTest, Geo) {
  std::vector<Case> cases;
  const auto before = [](Cache& cache) {
    ASSERT_TRUE(Geo(cache, "g").Add({{"a", {13, 38}}, {"b", {15, 37}}, {"c", {12, 41}}}).ok());
  };
  const auto add = [&](const char* name, auto fn) { cases.push_back(Typed(name, fn, before)); };
  static const GeoSearch search{.from_point = GeoPoint{14, 38}, .radius = 1e6,
                                .order = GeoSearch::Order::kNearestFirst, .with_distance = true, .with_point = true};
  static const GeoSearch plain{.from_member = "a", .radius = 1e6};
  add("Add", [](Cache& c) { return Geo(c, "g").Add("d", {14, 39}); });
  add("Add of several", [](Cache& c) { return Geo(c, "h").Add({{"a", {13, 38}}, {"b", {15, 37}}}); });
  add("Distance", [](Cache& c) { return Geo(c, "g").Distance("a", "b"); });
  add("Position", [](Cache& c) { return Geo(c, "g").Position("a"); });
  add("Hash", [](Cache& c) { return Geo(c, "g").Hash("a"); });
  add("Hashes", [](Cache& c) { return Geo(c, "g").Hashes({"a", "none"}); });
  add("Search", [](Cache& c) { return Geo(c, "g").Search(search); });
  add("StoreSearch", [](Cache& c) { return Geo(c, "h").StoreSearch("g", plain); });
  FailAllKeepingRoom(std::move(cases));
}

TEST(TypedFaultTest, PublishToNobody) {
  FailAll({Typed("Publish", [](Cache& c) { return Publish(c, "news", World::ValueOf(40'000)); }),
           Typed("PublishToShard", [](Cache& c) { return PublishToShard(c, "news", World::ValueOf(3000)); })});
}

TEST(TypedFaultTest, Atomically) {
  std::vector<Case> cases;
  cases.push_back(Typed("Atomically with typed calls", [](Cache& cache) {
    return cache.Atomically([](Transaction& transaction) -> absl::StatusOr<bool> {
      return transaction.Set("large", World::ValueOf(40'000));
    });
  }));
  cases.push_back(Typed("Atomically with Execute", [](Cache& cache) {
    return cache.Atomically([](Transaction& transaction) -> absl::StatusOr<Reply> {
      return transaction.Execute({"APPEND", "medium", World::ValueOf(3000)});
    });
  }));
  Case other = Typed("Atomically in another database", [](Cache& cache) {
    return cache.Atomically([](Transaction& transaction) -> absl::StatusOr<bool> {
      absl::StatusOr<Transaction> there = transaction.Db(9);
      if (!there.ok()) return there.status();
      return there->Set("fresh", World::ValueOf(700));
    });
  });
  other.keeps_room = true;
  cases.push_back(std::move(other));
  FailAll(cases);
}

TEST(TypedFaultTest, ClientsAndTheRest) {
  std::vector<Case> cases;
  Case db = Typed("Db", [](Cache& cache) { return cache.Db(9); });
  db.keeps_room = true;
  cases.push_back(std::move(db));
  cases.push_back(Typed("Db out of range", [](Cache& cache) { return cache.Db(99); }));
  cases.push_back(Typed("NewSession", [](Cache& cache) { return cache.NewSession().status(); }));
  cases.push_back(Typed("NewConnection", [](Cache& cache) { return cache.NewConnection().status(); }));
  cases.push_back(Typed("Tick", [](Cache& cache) { return cache.Tick(absl::InfinitePast()); }));
  // The callback gets its reply in the Tick. What is not short waits for it too.
  cases.push_back(Typed("ExecuteAsync KEYS", [](Cache& cache) -> absl::StatusOr<Reply> {
    absl::StatusOr<Reply> got = absl::UnknownError("");
    absl::Status status =
        cache.ExecuteAsync({"KEYS", "sh*"}, [&got](absl::StatusOr<Reply> reply) { got = std::move(reply); });
    if (!status.ok()) return status;
    (void)cache.Tick(absl::InfiniteFuture());
    return got;
  }));
  for (const size_t size : kSizes) {
    cases.push_back(Typed(Name("ExecuteAsync", "SET", size), [size](Cache& cache) -> absl::StatusOr<Reply> {
      absl::StatusOr<Reply> got = absl::UnknownError("");
      absl::Status status = cache.ExecuteAsync({"SET", "short", World::ValueOf(size)},
                                               [&got](absl::StatusOr<Reply> reply) { got = std::move(reply); });
      if (!status.ok()) return status;
      (void)cache.Tick(absl::InfiniteFuture());
      return got;
    }));
    cases.push_back(Typed(Name("ExecuteAsync", "GETSET", size), [size](Cache& cache) -> absl::StatusOr<Reply> {
      absl::StatusOr<Reply> got = absl::UnknownError("");
      absl::Status status = cache.ExecuteAsync({"GETSET", "huge", World::ValueOf(size)},
                                               [&got](absl::StatusOr<Reply> reply) { got = std::move(reply); });
      if (!status.ok()) return status;
      (void)cache.Tick(absl::InfiniteFuture());
      return got;
    }));
  }
  // Keys that are due when memory is short go all the same.
  Case expiry = Typed("Tick with keys that are due", [](Cache& cache) { return cache.Tick(absl::InfiniteFuture()); });
  expiry.prepare = [prepare = expiry.prepare](World& world) {
    world.clock().Advance(absl::Seconds(500));
    return prepare(world);
  };
  cases.push_back(std::move(expiry));
  FailAll(cases);
}

TEST(TypedFaultTest, Open) {
  static Options options;
  options.background = Background::kTick;
  options.clock = std::make_shared<ManualClock>();
  options.requirepass = std::string(100, 'p');
  options.compat["masterauth"] = std::string(100, 'm');
  options.bind = {"127.0.0.1", std::string("::1")};
  std::string big_capture(100, 'c');
  options.log = [big_capture](LogLevel, std::string_view) {};
  FailAll({Typed("Open", [](Cache&) { return Cache::Open(options).status(); })});
  options.clock = nullptr;
  FailAll({Typed("Open with the machine's clock", [](Cache&) { return Cache::Open(options).status(); })});
  options.maxmemory_policy = MaxmemoryPolicy::kAllkeysLru;
  options.maxmemory = 100 << 20;
  options.background = Background::kThread;
  FailAll({Typed("Open with a thread", [](Cache&) { return Cache::Open(options).status(); })});
  options.compat["no-such-thing"] = "1";
  FailAll({Typed("Open with wrong options", [](Cache&) { return Cache::Open(options).status(); })});
  options = Options();
}

// The thread is made when the first key with an expiry comes. The key is set, whether there is one or not.
TEST(TypedFaultTest, BackgroundThread) {
  Case set = Typed("Set with ttl", [](Cache& cache) {
    return cache.Set("fresh", World::ValueOf(3000), {.ttl = absl::Hours(1)});
  });
  set.options = [](Options& options) { options.background = Background::kThread; };
  FailAll({set});
}

TEST(TypedFaultTest, OptionsFromText) {
  static const std::string text =
      "maxmemory 100mb\nbind 127.0.0.1 ::1\nrequirepass \"" + std::string(100, 'p') +
      "\"\nsave 900 1\nsave 300 10\nclient-output-buffer-limit pubsub 64mb 16mb 90\n";
  const auto apply = [](std::string_view how) {
    auto made = std::make_shared<Options>();
    Case one = Typed(std::string(how), [how, made](Cache&) -> absl::StatusOr<std::string> {
      Options& options = *made;
      absl::Status status;
      if (how == "text") status = ApplyConfigText(options, text, "a-file-with-a-long-name.conf");
      if (how == "wrong text") status = ApplyConfigText(options, "maxmemory 1 2 3 too many words", "a.conf");
      if (how == "arguments") status = ApplyArguments(options, {{"--requirepass", "a password of more than thirty"}});
      if (how == "no file") status = ParseConfigFile("/no/such/file/as/this/one.conf", std::move(options)).status();
      if (!status.ok()) return status;
      return options.requirepass.size() >= 30 ? std::string("whole") : std::string("not whole");
    });
    // Each attempt begins with defaults, and leaves them: what they take is the same before and after.
    one.prepare = [prepare = one.prepare, made](World& world) {
      Attempt attempt = prepare(world);
      attempt.describe = [describe = attempt.describe, made] {
        Outcome outcome = describe();
        *made = Options();
        return outcome;
      };
      return attempt;
    };
    return one;
  };
  FailAll({apply("text"), apply("wrong text"), apply("arguments"), apply("no file")});
}

}  // namespace
}  // namespace larder::testing
