#include "lib/engine/command_keys.h"

namespace larder::inline v0::engine {
namespace {

// Where the spec's search begins: 0 if its keyword is not there, which is no fault.
size_t Begin(const KeySpec& key, std::span<const Bytes> argv) {
  if (key.begin == KeySpec::kIndex) return static_cast<size_t>(key.index);
  const auto size = static_cast<int64_t>(argv.size());
  const int64_t step = key.start_from < 0 ? -1 : 1;
  for (int64_t i = key.start_from < 0 ? size + key.start_from : key.start_from; i > 0 && i < size; i += step) {
    if (base::EqualsIgnoreCase(argv[static_cast<size_t>(i)], key.keyword)) return static_cast<size_t>(i) + 1;
  }
  return 0;
}

struct Positions {
  int64_t first = 0;
  int64_t last = -1;
  int64_t step = 1;
};

bool FromRange(const KeySpec& key, int64_t begin, int64_t size, Positions* found) {
  found->first = begin;
  found->step = key.step;
  if (key.last >= 0) {
    found->last = begin + key.last;
  } else if (key.limit <= 1) {
    found->last = size + key.last;
  } else {  // the last of one of `limit` equal parts
    found->last = begin + (size - begin) / key.limit + key.last;
  }
  return begin < size;  // PFMERGE without a source is none for Redis, as far as COMMAND GETKEYS goes
}

bool FromCount(const KeySpec& key, int64_t begin, std::span<const Bytes> argv, Positions* found) {
  const int64_t at = begin + key.key_num;
  int64_t count = 0;
  if (at >= static_cast<int64_t>(argv.size()) || !base::ParseInt64(argv[static_cast<size_t>(at)], &count)) return false;
  if (count < 0 || count > static_cast<int64_t>(argv.size())) return false;
  found->first = begin + key.first_key;
  found->step = key.step;
  found->last = found->first + (count - 1) * key.step;
  return true;
}

bool IsFixed(const KeySpec& key) { return key.begin == KeySpec::kIndex && key.find == KeySpec::kRange; }

}  // namespace

bool ForEachKey(const CommandSpec& spec, std::span<const Bytes> argv,
                absl::FunctionRef<void(size_t position, uint16_t flags)> visit) {
  using Visit = absl::FunctionRef<void(size_t position, uint16_t flags)>;
  if (spec.get_keys != nullptr) {
    return spec.get_keys(
        argv, [](void* arg, size_t position, uint16_t flags) { (*static_cast<Visit*>(arg))(position, flags); }, &visit);
  }
  const auto size = static_cast<int64_t>(argv.size());
  for (const KeySpec& key : spec.keys) {
    if ((key.flags & kKeyNotKey) != 0 || key.begin == KeySpec::kUnknownBegin || key.find == KeySpec::kUnknownFind) {
      continue;
    }
    const auto begin = static_cast<int64_t>(Begin(key, argv));
    if (begin == 0) continue;
    // A keyword that nothing follows has no key, if it would have been one: GEORADIUS's STORE.
    if (begin == size && key.begin == KeySpec::kKeyword && key.find == KeySpec::kRange && key.last == 0) continue;
    Positions found;
    const bool fits = key.find == KeySpec::kRange ? FromRange(key, begin, size, &found)
                                                  : FromCount(key, begin, argv, &found);
    if (!fits || found.last >= size) return false;
    for (int64_t i = found.first; i <= found.last; i += found.step) visit(static_cast<size_t>(i), key.flags);
  }
  return true;
}

LegacyRange LegacyRangeOf(const CommandSpec& spec) {
  LegacyRange range;
  for (const KeySpec& key : spec.keys) {
    if (!IsFixed(key)) continue;
    const int last = key.last < 0 ? key.last : key.index + key.last;
    if (range.first == 0) {
      range = {key.index, last, key.step};
    } else if (range.step == 1 && key.step == 1 && key.index == range.last + 1) {
      range.last = last;
    }
  }
  return range;
}

bool HasMovableKeys(const CommandSpec& spec) {
  if ((spec.flags & kCmdMovableKeys) != 0) return true;
  for (const KeySpec& key : spec.keys) {
    if (!IsFixed(key) || (key.flags & kKeyIncomplete) != 0) return true;
  }
  return false;
}

}  // namespace larder::inline v0::engine
