// The typed calls of every type beside the container of C++ that a program would use instead.
//
//   ./bazelw run -c opt //tests/bench:types_typed [-- part...]     parts: string list hash set sorted stream sort
//
// The containers are bare: no lock, no expiry, no limit of memory, one thread. They are searched by std::string_view,
// without making a string. Strings and hashes: std::unordered_map; lists: std::deque; sets: std::unordered_set; sorted
// sets: std::set of pairs and std::unordered_map; streams: std::deque, and std::map of what is pending. What is read is
// copied out, as Larder's results are. Figures are CPU ns of the thread for one call; Larder's contain what it leaves
// to the background, done by Tick at the end of each batch, and all contain making a key of 16 B (the first row).
#include <larder/cache.h>
#include <larder/clock.h>
#include <larder/hash.h>
#include <larder/list.h>
#include <larder/set.h>
#include <larder/sort.h>
#include <larder/sorted_set.h>
#include <larder/stream.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "tests/bench/measure.h"
#include "tests/bench/peers.h"

namespace larder::bench {
namespace {

constexpr int kRounds = 9;
constexpr int kBatch = 20'000;
constexpr size_t kMany = 100'000;
constexpr size_t kLarge = 1'000'000;
const std::string kValue(64, 'x');

// A key, an element, a field or a member by its number.
class Name {
 public:
  explicit Name(uint64_t number) : key_(number) {}
  operator std::string_view() const { return {key_.text.data(), Key::kBytes}; }
  std::string string() const { return std::string(std::string_view(*this)); }

 private:
  Key key_;
};

// The compiler must take `value` as read.
template <class T>
void Keep(const T& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

// A result of Larder's. Exits the program if it is an error.
template <class T>
T Got(absl::StatusOr<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "types_typed: %s\n", result.status().ToString().c_str());
    std::exit(1);
  }
  return *std::move(result);
}

struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
struct TextEqual {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const { return a == b; }
};
template <class V>
using Map = std::unordered_map<std::string, V, TextHash, TextEqual>;
using StringSet = std::unordered_set<std::string, TextHash, TextEqual>;

// A cache whose background work is done where it is timed.
class TickedCache {
 public:
  TickedCache() {
    Options options;
    options.background = Background::kTick;
    cache_ = Got(Cache::Open(options));
  }
  Cache& operator*() { return *cache_; }
  Cache* operator->() { return cache_.get(); }
  void Settle() { Got(cache_->Tick(absl::InfiniteFuture())); }

 private:
  std::unique_ptr<Cache> cache_;
};

void Nothing() {}

template <class F>
double BatchOf(int calls, F fn, const std::function<void()>& after = Nothing) {
  const int64_t started = ThreadCpuNs();
  for (int i = 0; i < calls; ++i) fn();
  after();
  return static_cast<double>(ThreadCpuNs() - started) / calls;
}

void Print(const std::string& name, const std::string& container, const Compared& cpu) {
  std::printf("| %s | %s | %.0f | %.0f | %.2f |\n", name.c_str(), container.c_str(), cpu.theirs, cpu.ours, cpu.ratio);
  std::fflush(stdout);
}

// One kind of call of both, in turns of `calls`. The preparations come before each turn and are not counted.
struct Row {
  std::string name;
  std::string container;
  int calls = kBatch;
  int their_calls = 0;  // 0: as many
  std::function<void()> prepare_theirs = Nothing;
  std::function<void()> prepare_ours = Nothing;
};
template <class Theirs, class Ours>
void Compare(const Row& row, TickedCache& cache, Theirs theirs, Ours ours) {
  const int their_calls = row.their_calls == 0 ? row.calls : row.their_calls;
  const Compared cpu = TakeTurns(
      kRounds,
      [&] {
        row.prepare_theirs();
        return BatchOf(their_calls, theirs);
      },
      [&] {
        row.prepare_ours();
        cache.Settle();
        return BatchOf(row.calls, ours, [&] { cache.Settle(); });
      });
  Print(row.name, row.container, cpu);
}

// ---- Strings --------------------------------------------------------------------------------------------------------

void Strings() {
  const std::string map = "unordered_map";
  TickedCache cache;
  Map<std::string> strings;
  Map<int64_t> numbers;
  for (size_t i = 0; i < kMany; ++i) {
    strings.emplace(Name(i).string(), kValue);
    numbers.emplace(Name(i).string(), 1);
    Got(cache->Set(Name(i), kValue));
    Got(cache->Set("n" + Name(i).string(), "1"));
  }
  Random random(1);
  const auto any = [&] { return Name(random.Below(kMany)); };
  const auto make = [&] { Keep(any()); };
  Compare({.name = "(making a key)", .container = "the same"}, cache, make, make);
  Compare(
      {.name = "Set, 100 k keys", .container = map}, cache, [&] { strings.find(any())->second = kValue; },
      [&] { Got(cache->Set(any(), kValue)); });
  Compare(
      {.name = "Get, 100 k keys", .container = map}, cache,
      [&] { Keep(std::optional<std::string>(strings.find(any())->second)); }, [&] { Keep(Got(cache->Get(any()))); });
  Compare(
      {.name = "Increment, 100 k keys", .container = "unordered_map of int64_t"}, cache,
      [&] { ++numbers.find(any())->second; }, [&] { Got(cache->Increment(any().string().insert(0, "n"))); });
  std::vector<std::string> names(10);
  const auto ten = [&] {
    for (std::string& name : names) name = std::string_view(any());
  };
  Compare(
      {.name = "MGet of 10", .container = map, .calls = kBatch / 10}, cache,
      [&] {
        ten();
        std::vector<std::optional<std::string>> values;
        values.reserve(names.size());
        for (const std::string& name : names) values.emplace_back(strings.find(name)->second);
        Keep(values);
      },
      [&] {
        ten();
        Keep(Got(cache->MGet(names)));
      });
  std::vector<std::pair<std::string, std::string>> pairs(10, {"", kValue});
  Compare(
      {.name = "MSet of 10", .container = map, .calls = kBatch / 10}, cache,
      [&] {
        for (auto& [name, value] : pairs) strings.find(name = std::string_view(any()))->second = value;
      },
      [&] {
        for (auto& [name, value] : pairs) name = std::string_view(any());
        if (!cache->MSet(pairs).ok()) std::abort();
      });
}

// ---- Lists ----------------------------------------------------------------------------------------------------------

void EndsOfLists() {
  const std::string of = "deque";
  TickedCache cache;
  std::deque<std::string> deque;
  const List list(*cache, "list");
  const auto refill_theirs = [&] { deque.assign(kBatch, kValue); };
  const auto refill_ours = [&] {
    Got(cache->Delete("list"));
    for (int i = 0; i < kBatch; ++i) Got(list.PushBack(kValue));
  };
  const auto empty_theirs = [&] { deque.clear(); };
  const auto empty_ours = [&] { Got(cache->Delete("list")); };
  const Row push = {.name = "", .container = of, .prepare_theirs = empty_theirs, .prepare_ours = empty_ours};
  const Row pop = {.name = "", .container = of, .prepare_theirs = refill_theirs, .prepare_ours = refill_ours};
  const auto named = [](Row row, const std::string& name) {
    row.name = name;
    return row;
  };
  Compare(
      named(push, "PushFront"), cache, [&] { deque.push_front(kValue); }, [&] { Got(list.PushFront(kValue)); });
  Compare(
      named(push, "PushBack"), cache, [&] { deque.push_back(kValue); }, [&] { Got(list.PushBack(kValue)); });
  Compare(
      named(pop, "PopFront"), cache,
      [&] {
        Keep(std::optional<std::string>(std::move(deque.front())));
        deque.pop_front();
      },
      [&] { Keep(Got(list.PopFront())); });
  Compare(
      named(pop, "PopBack"), cache,
      [&] {
        Keep(std::optional<std::string>(std::move(deque.back())));
        deque.pop_back();
      },
      [&] { Keep(Got(list.PopBack())); });
}

void LongList() {
  const std::string of = "deque";
  TickedCache cache;
  std::deque<std::string> deque(kLarge, kValue);
  const List list(*cache, "list");
  for (size_t i = 0; i < kLarge; ++i) Got(list.PushBack(kValue));
  Random random(2);
  Compare(
      {.name = "At, 1 M elements", .container = of}, cache,
      [&] { Keep(std::optional<std::string>(deque[random.Below(kLarge)])); },
      [&] { Keep(Got(list.At(static_cast<int64_t>(random.Below(kLarge))))); });
  for (const int64_t size : {10, 100, 300, 600}) {
    const auto first = [&] { return static_cast<int64_t>(random.Below(kLarge - 600)); };
    Compare(
        {.name = "Range of " + std::to_string(size) + ", 1 M elements",
         .container = of,
         .calls = static_cast<int>(kBatch / size)},
        cache,
        [&] {
          const auto begin = deque.begin() + first();
          Keep(std::vector<std::string>(begin, begin + size));
        },
        [&] {
          const int64_t begin = first();
          Keep(Got(list.Range(begin, begin + size - 1)));
        });
  }
}

void Lists() {
  EndsOfLists();
  LongList();
}

// ---- Hashes ---------------------------------------------------------------------------------------------------------

void SmallHashes(TickedCache& cache) {
  Map<Map<std::string>> maps;
  for (size_t i = 0; i < kMany; ++i) {
    const std::string name = Name(i).string();
    const Hash hash(*cache, name);
    for (uint64_t field = 0; field < 10; ++field) {
      maps[name][Name(field).string()] = kValue;
      Got(hash.Set(Name(field), kValue));
    }
  }
  Random random(3);
  Compare(
      {.name = "Entries, 100 k hashes of 10 fields", .container = "unordered_map of unordered_maps"}, cache,
      [&] {
        const Map<std::string>& map = maps.find(Name(random.Below(kMany)))->second;
        Keep(std::vector<std::pair<std::string, std::string>>(map.begin(), map.end()));
      },
      [&] { Keep(Got(Hash(*cache, Name(random.Below(kMany))).Entries())); });
  Compare(
      {.name = "Get of a field, 100 k hashes of 10 fields", .container = "unordered_map of unordered_maps"}, cache,
      [&] { Keep(std::string(maps.find(Name(random.Below(kMany)))->second.find(Name(7))->second)); },
      [&] { Keep(Got(Hash(*cache, Name(random.Below(kMany))).Get(Name(7)))); });
}

void Hashes() {
  const std::string of = "unordered_map";
  TickedCache cache;
  Map<std::string> map;
  const Hash hash(*cache, "hash");
  for (size_t i = 0; i < kLarge; ++i) {
    map.emplace(Name(i).string(), kValue);
    Got(hash.Set(Name(i), kValue));
  }
  Random random(4);
  const auto any = [&] { return Name(random.Below(kLarge)); };
  Compare(
      {.name = "Set of a field, 1 M fields", .container = of}, cache, [&] { map.find(any())->second = kValue; },
      [&] { Got(hash.Set(any(), kValue)); });
  Compare(
      {.name = "Get of a field, 1 M fields", .container = of}, cache,
      [&] { Keep(std::optional<std::string>(map.find(any())->second)); }, [&] { Keep(Got(hash.Get(any()))); });
  Compare(
      {.name = "Contains, 1 M fields", .container = of}, cache, [&] { Keep(map.contains(any())); },
      [&] { Keep(Got(hash.Contains(any()))); });
  uint64_t theirs = kLarge;
  uint64_t ours = kLarge;
  Compare(
      {.name = "Set of a new field, 1 M fields", .container = of}, cache,
      [&] { map.emplace(Name(theirs++).string(), kValue); }, [&] { Got(hash.Set(Name(ours++), kValue)); });
  map.clear();
  Got(cache->Delete("hash"));
  SmallHashes(cache);
}

// ---- Sets -----------------------------------------------------------------------------------------------------------

void TwoSets(TickedCache& cache) {
  StringSet one, two;
  const Set first(*cache, "one"), second(*cache, "two");
  for (size_t i = 0; i < kMany; ++i) {
    one.insert(Name(i).string());
    two.insert(Name(i + kMany / 2).string());
    Got(first.Add(Name(i)));
    Got(second.Add(Name(i + kMany / 2)));
  }
  Compare(
      {.name = "Intersection of two of 100 k, half in both", .container = "unordered_set", .calls = 2}, cache,
      [&] {
        std::vector<std::string> both;
        for (const std::string& member : one) {
          if (two.contains(member)) both.push_back(member);
        }
        Keep(both);
      },
      [&] { Keep(Got(first.Intersection({"two"}))); });
}

void Sets() {
  const std::string of = "unordered_set";
  TickedCache cache;
  StringSet members;
  const Set set(*cache, "set");
  for (size_t i = 0; i < kLarge; ++i) {
    members.insert(Name(i).string());
    Got(set.Add(Name(i)));
  }
  Random random(5);
  Compare(
      {.name = "Contains, 1 M members", .container = of}, cache,
      [&] { Keep(members.contains(Name(random.Below(kLarge)))); },
      [&] { Keep(Got(set.Contains(Name(random.Below(kLarge))))); });
  uint64_t theirs = kLarge;
  uint64_t ours = kLarge;
  Compare(
      {.name = "Add, 1 M members", .container = of}, cache, [&] { members.insert(Name(theirs++).string()); },
      [&] { Got(set.Add(Name(ours++))); });
  Compare(
      {.name = "Remove, 1 M members", .container = of}, cache, [&] { members.erase(members.find(Name(--theirs))); },
      [&] { Got(set.Remove(Name(--ours))); });
  Compare(
      {.name = "Pop, 1 M members (the set: of equal chance)", .container = of + ", its first"}, cache,
      [&] { Keep(members.extract(members.begin())); }, [&] { Keep(Got(set.Pop())); });
  members.clear();
  Got(cache->Delete("set"));
  TwoSets(cache);
}

// ---- Sorted sets ----------------------------------------------------------------------------------------------------

// What programs write for themselves: members by score, and their scores.
struct ScoreBoard {
  std::set<std::pair<double, std::string>> by_score;
  Map<double> scores;

  void Add(std::string_view member, double score) {
    const auto at = scores.find(member);
    if (at == scores.end()) {
      scores.emplace(member, score);
      by_score.emplace(score, member);
      return;
    }
    auto node = by_score.extract({at->second, at->first});
    node.value().first = at->second = score;
    by_score.insert(std::move(node));
  }
  std::vector<ScoredMember> Ten(std::set<std::pair<double, std::string>>::const_iterator at) const {
    std::vector<ScoredMember> result;
    for (int i = 0; i < 10 && at != by_score.end(); ++i, ++at) result.push_back({at->second, at->first});
    return result;
  }
  ScoredMember PopMin() {
    auto node = by_score.extract(by_score.begin());
    scores.erase(scores.find(node.value().second));
    return {std::move(node.value().second), node.value().first};
  }
};

void SortedSets() {
  const std::string of = "set and unordered_map";
  TickedCache cache;
  ScoreBoard board;
  const SortedSet zset(*cache, "zset");
  for (size_t i = 0; i < kLarge; ++i) {
    board.Add(Name(i), static_cast<double>(i));
    Got(zset.Add(Name(i), static_cast<double>(i)));
  }
  Random random(6);
  const auto any = [&] { return Name(random.Below(kLarge)); };
  const auto score = [&] { return static_cast<double>(random.Below(kLarge)); };
  Compare(
      {.name = "Add, a new score, 1 M members", .container = of}, cache, [&] { board.Add(any(), score()); },
      [&] { Got(zset.Add(any(), score())); });
  Compare(
      {.name = "Score, 1 M members", .container = of}, cache, [&] { Keep(board.scores.find(any())->second); },
      [&] { Keep(Got(zset.Score(any()))); });
  Compare(
      {.name = "Rank, 1 M members", .container = of + ": steps are counted", .their_calls = 2}, cache,
      [&] {
        const auto at = board.scores.find(any());
        Keep(std::distance(board.by_score.begin(), board.by_score.find({at->second, at->first})));
      },
      [&] { Keep(Got(zset.Rank(any()))); });
  Compare(
      {.name = "Range of 10 by rank, 1 M members", .container = of + ": steps are counted", .their_calls = 2}, cache,
      [&] { Keep(board.Ten(std::next(board.by_score.begin(), static_cast<int64_t>(random.Below(kLarge))))); },
      [&] {
        const auto first = static_cast<int64_t>(random.Below(kLarge));
        Keep(Got(zset.Range(first, first + 9)));
      });
  Compare(
      {.name = "Range of 10 by score, 1 M members", .container = of}, cache,
      [&] {
        Keep(board.Ten(board.by_score.lower_bound({score(), ""})));
      },
      [&] { Keep(Got(zset.Range(ScoreRange{.min = score()}, {.count = 10}))); });
  Compare(
      {.name = "PopMin, 1 M members", .container = of}, cache, [&] { Keep(board.PopMin()); },
      [&] { Keep(Got(zset.PopMin())); });
}

// ---- Streams and SORT -----------------------------------------------------------------------------------------------

struct Log {
  using Fields = std::vector<std::pair<std::string, std::string>>;
  std::deque<std::pair<uint64_t, Fields>> entries;
  std::map<uint64_t, std::string> pending;  // with the consumer
  size_t read = 0;
};

void Streams() {
  TickedCache cache;
  Log log;
  const Stream stream(*cache, "stream");
  if (!stream.CreateGroup("group", StreamId()).ok()) std::abort();
  std::vector<StreamId> ids;
  uint64_t next = 0;
  constexpr int kCalls = kBatch / 4;
  Compare(
      {.name = "Add of an entry", .container = "deque", .calls = kCalls}, cache,
      [&] {
        log.entries.push_back({next++, {{"field", kValue}}});
      },
      [&] {
        ids.push_back(Got(stream.Add({{"field", kValue}})));
      });
  Compare(
      {.name = "ReadGroup of one", .container = "deque, and map of what is pending", .calls = kCalls}, cache,
      [&] {
        const auto& entry = log.entries[log.read++];
        log.pending.emplace(entry.first, "me");
        Keep(std::pair<uint64_t, Log::Fields>(entry));
      },
      [&] { Keep(Got(stream.ReadGroup("group", "me", 1))); });
  size_t done = 0;
  uint64_t theirs = 0;
  Compare(
      {.name = "Acknowledge of one", .container = "map", .calls = kCalls}, cache,
      [&] { Keep(log.pending.erase(theirs++)); }, [&] { Keep(Got(stream.Acknowledge("group", {ids[done++]}))); });
}

void Sorting() {
  TickedCache cache;
  std::deque<std::string> deque;
  const List list(*cache, "list");
  Random random(7);
  for (int i = 0; i < 1000; ++i) {
    deque.push_back(std::to_string(random.Below(kLarge)));
    Got(list.PushBack(deque.back()));
  }
  Compare(
      {.name = "Sort of a list of 1,000 numbers", .container = "deque, and std::sort", .calls = 50}, cache,
      [&] {
        std::vector<std::pair<double, std::string>> sorted;
        sorted.reserve(deque.size());
        for (const std::string& text : deque) sorted.emplace_back(std::strtod(text.c_str(), nullptr), text);
        std::sort(sorted.begin(), sorted.end());
        Keep(sorted);
      },
      [&] { Keep(Got(larder::Sort(*cache, "list"))); });
}

struct Part {
  std::string_view name;
  void (*run)();
};
constexpr Part kParts[] = {{"string", Strings},    {"list", Lists},     {"hash", Hashes}, {"set", Sets},
                           {"sorted", SortedSets}, {"stream", Streams}, {"sort", Sorting}};

int Main(int argc, char** argv) {
  std::vector<std::string_view> names(argv + 1, argv + argc);
  if (names.empty()) {
    for (const Part& part : kParts) names.push_back(part.name);
  }
  std::printf("| call | container | its ns | Larder ns | ratio |\n|---|---|---|---|---|\n");
  for (const std::string_view name : names) {
    const Part* part =
        std::find_if(std::begin(kParts), std::end(kParts), [&](const Part& p) { return p.name == name; });
    if (part == std::end(kParts)) {
      std::fprintf(stderr, "types_typed: the parts are string, list, hash, set, sorted, stream and sort\n");
      return 2;
    }
    part->run();
  }
  return 0;
}

}  // namespace
}  // namespace larder::bench

int main(int argc, char** argv) { return larder::bench::Main(argc, argv); }
