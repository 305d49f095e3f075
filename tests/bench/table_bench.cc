// The segment table by itself: bytes an element over one doubling, what calls cost hot and cold, how long its steps
// are. Beside it an absl::flat_hash_map of the same pointers, in the same run.
//
//   table_bench [elements, 2,000,000 unless given]
//
// Elements are 88 bytes and stand in one array in the order of insertion; keys are 8 bytes, so that what is measured is
// the table and its cache misses. Times are of the thread's CPU clock.
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "lib/base/random.h"
#include "lib/ds/hash_table.h"

namespace larder {
namespace {

struct Node {
  uint64_t id;
  char rest[80];
};

uint64_t Hash(uint64_t id) { return base::Random(id).Next(); }

struct NodePolicy {
  using Element = Node*;
  static constexpr bool kExpires = false;
  uint64_t Hash(const Node* node) const { return larder::Hash(node->id); }
  static bool Matches(const Node* node, Bytes key) {
    return node->id == *reinterpret_cast<const uint64_t*>(key.data());
  }
};
using Table = ds::HashTable<NodePolicy>;

Bytes KeyOf(const uint64_t& id) { return Bytes(reinterpret_cast<const char*>(&id), sizeof(id)); }

double Now() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// ns a call of work(i), i < n.
template <class Work>
double NsEach(uint64_t n, Work&& work) {
  const double start = Now();
  for (uint64_t i = 0; i < n; ++i) work(i);
  return (Now() - start) / static_cast<double>(n);
}

struct Lookup {
  uint64_t id;
  uint64_t hash;
};

std::vector<Lookup> Lookups(uint64_t n, uint64_t below, uint64_t plus, uint64_t seed) {
  base::Random random(seed);
  std::vector<Lookup> lookups(n);
  for (Lookup& lookup : lookups) {
    lookup.id = random.Below(below) + plus;
    lookup.hash = Hash(lookup.id);
  }
  return lookups;
}

struct IdHash {
  size_t operator()(uint64_t id) const { return Hash(id); }
};
using Map = absl::flat_hash_map<uint64_t, Node*, IdHash>;

uint64_t Find(const Table& table, const std::vector<Lookup>& lookups) {
  uint64_t hits = 0;
  for (const Lookup& lookup : lookups) {
    const Node* node = table.Find(KeyOf(lookup.id), lookup.hash);
    if (node != nullptr) hits += node->rest[0] + 1;
  }
  return hits;
}

uint64_t FindInBatches(const Table& table, const std::vector<Lookup>& lookups) {
  uint64_t hits = 0;
  for (size_t i = 0; i + 16 <= lookups.size(); i += 16) {
    for (int stage = 0; stage < 3; ++stage) {
      for (size_t j = i; j < i + 16; ++j) table.Prefetch(lookups[j].hash, stage);
    }
    for (size_t j = i; j < i + 16; ++j) {
      const Node* node = table.Find(KeyOf(lookups[j].id), lookups[j].hash);
      if (node != nullptr) hits += node->rest[0] + 1;
    }
  }
  return hits;
}

uint64_t FindInMap(const Map& map, const std::vector<Lookup>& lookups) {
  uint64_t hits = 0;
  for (const Lookup& lookup : lookups) {
    const auto it = map.find(lookup.id);
    if (it != map.end()) hits += it->second->rest[0] + 1;
  }
  return hits;
}

void PrintFind(const char* what, const Table& table, const Map& map, const std::vector<Lookup>& lookups) {
  uint64_t sum = 0;
  const auto n = static_cast<double>(lookups.size());
  const double one = NsEach(1, [&](uint64_t) { sum += Find(table, lookups); }) / n;
  const double batch = NsEach(1, [&](uint64_t) { sum += FindInBatches(table, lookups); }) / n;
  const double other = NsEach(1, [&](uint64_t) { sum += FindInMap(map, lookups); }) / n;
  std::printf("find %-22s %8.1f ns  in batches of 16 %8.1f ns  flat_hash_map %8.1f ns   (%llu)\n", what, one, batch,
              other, static_cast<unsigned long long>(sum));
}

void PrintPercentiles(const char* what, std::vector<double>& ns) {
  if (ns.empty()) return;
  std::sort(ns.begin(), ns.end());
  const auto at = [&](double p) { return ns[static_cast<size_t>(p * static_cast<double>(ns.size() - 1))] / 1000; };
  std::printf("%-27s n %7zu   p50 %6.1f   p99 %6.1f   max %6.1f us\n", what, ns.size(), at(0.5), at(0.99), at(1));
}

// Inserts one by one; what took a change of shape is told from what did not by the table's memory.
void Grow(Table& table, std::vector<Node>& nodes) {
  const uint64_t n = nodes.size();
  std::vector<double> grown;
  std::vector<double> split;
  double least = 1e9, most = 0, sum = 0, weight = 0;
  for (uint64_t i = 0; i < n; ++i) {
    const size_t before = table.memory();
    const uint64_t hash = Hash(i);
    const double start = Now();
    if (!table.Insert(&nodes[i], hash)) std::exit(1);
    const double ns = Now() - start;
    const size_t more = table.memory() - before;
    // A split makes two segments of 73 lines and more out of one of 128.
    if (more != 0 && i > 2000) (before == 0 || more < 2000 ? grown : split).push_back(ns);
    if (i < n / 2) continue;
    const double bytes = static_cast<double>(table.memory()) / static_cast<double>(i + 1);
    least = std::min(least, bytes);
    most = std::max(most, bytes);
    sum += bytes / static_cast<double>(i + 1);
    weight += 1 / static_cast<double>(i + 1);
  }
  std::printf("bytes an element, %llu to %llu: least %.2f, mean over log n %.2f, most %.2f\n",
              static_cast<unsigned long long>(n / 2), static_cast<unsigned long long>(n), least, sum / weight, most);
  PrintPercentiles("insert with a rebuild", grown);
  PrintPercentiles("insert with a split", split);
}

void Run(uint64_t n) {
  std::vector<Node> nodes(n);
  for (uint64_t i = 0; i < n; ++i) nodes[i].id = i;
  const std::shared_ptr<MemorySource> memory = SystemMemory();
  memory::Arena arena(*memory);
  Table table(NodePolicy{}, &arena);
  Grow(table, nodes);
  Map map;
  const double map_insert = NsEach(n, [&](uint64_t i) { map.emplace(i, &nodes[i]); });
  PrintFind("hit, cold", table, map, Lookups(n, n, 0, 1));
  PrintFind("miss, cold", table, map, Lookups(n, n, n, 2));
  const double remove = NsEach(n, [&](uint64_t i) { table.Remove(KeyOf(i), Hash(i)); });
  const double insert = NsEach(n, [&](uint64_t i) { table.Insert(&nodes[i], Hash(i)); });
  Table detached(NodePolicy{}, &arena);
  table.Swap(detached);
  uint64_t freed = 0;
  std::vector<double> slices;
  for (bool done = false; !done;) {
    const double start = Now();
    done = detached.FreeSome(256, [&](Node* node) { freed += node->rest[0] + 1; });
    slices.push_back(Now() - start);
  }
  std::printf("insert %.1f ns   remove %.1f ns   flat_hash_map insert %.1f ns\n", insert, remove, map_insert);
  PrintPercentiles("free 256", slices);
  Map small_map;
  for (uint64_t i = 0; i < 1000; ++i) {
    table.Insert(&nodes[i], Hash(i));
    small_map.emplace(i, &nodes[i]);
  }
  PrintFind("hit, 1000 elements", table, small_map, Lookups(1 << 22, 1000, 0, 3));
  PrintFind("miss, 1000 elements", table, small_map, Lookups(1 << 22, 1000, n, 4));
}

}  // namespace
}  // namespace larder

int main(int argc, char** argv) {
  const uint64_t n = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 2000000;
  larder::Run(std::max<uint64_t>(n, 10000));
  return 0;
}
