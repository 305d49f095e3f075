#include "lib/commands/scan_options.h"

#include "lib/base/fixed_text.h"
#include "lib/base/glob.h"
#include "lib/base/numbers.h"
#include "lib/engine/short.h"
#include "lib/keyspace/errors.h"
#include "lib/resp/output.h"

namespace larder::inline v0::commands {

bool ScanOptions::Matches(Bytes text) const { return any_key || base::GlobMatch(pattern, text); }

bool ParseCursor(Bytes text, uint64_t* cursor) {
  text = text.substr(0, text.find('\0'));
  *cursor = 0;
  if (text.empty()) return true;
  const bool negative = text[0] == '-';
  if (negative || text[0] == '+') text.remove_prefix(1);
  if (text.empty()) return false;
  uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    if (__builtin_mul_overflow(value, uint64_t{10}, &value) ||
        __builtin_add_overflow(value, static_cast<uint64_t>(c - '0'), &value)) {
      return false;
    }
  }
  *cursor = negative ? uint64_t{0} - value : value;
  return true;
}

Error ParseScanOptions(ArgReader& args, bool of_keys, ScanOptions* options, base::Buffer& room) {
  while (!args.done()) {
    if (args.remaining() >= 2 && args.Take("count")) {
      LARDER_ASSIGN_OR_RETURN(options->count, args.Int());
      if (options->count < 1) return errors::kSyntax;
    } else if (args.remaining() >= 2 && args.Take("match")) {
      options->pattern = args.Next();
      options->any_key = base::GlobMatchesAll(options->pattern);
    } else if (of_keys && args.remaining() >= 2 && args.Take("type")) {
      options->type = args.Next();
      options->any_type = false;
    } else {
      return errors::kSyntax;
    }
  }
  options->pattern = base::GlobShortened(options->pattern, room);
  return kOk;
}

// A pattern is matched with each key.
bool ScanOptionsAreShort(std::span<const Bytes> argv, size_t skip) {
  constexpr size_t kPatternMax = 256;
  for (size_t i = skip; i + 1 < argv.size(); i += 2) {
    int64_t count = 0;
    if (argv[i + 1].size() > kPatternMax) return false;
    if (base::EqualsIgnoreCase(argv[i], "count") && base::ParseInt64(argv[i + 1], &count) &&
        count > static_cast<int64_t>(engine::kShortElements)) {
      return false;
    }
  }
  return true;
}

Error ReplyScan(const keyspace::Collection& collection, bool all_at_once, uint64_t cursor, const ScanOptions& options,
                size_t per_record, AddRecord add, resp::ReplyWriter& reply) {
  constexpr int kCursorShift = 16;  // a cursor is the upper 48 bits of a hash
  // The cursor comes first in the reply and is known last.
  const size_t mark = reply.Mark();
  size_t found = 0;
  size_t seen = 0;
  const auto visit = [&](const char* record) {
    ++seen;
    if (!options.Matches(collection.Part(record, 0))) return true;
    add(record, reply);
    ++found;
    return !reply.output().failed();
  };
  if (all_at_once || collection.tree() == nullptr || !collection.format().hashed()) {
    collection.ForEach(visit);
    cursor = 0;
  } else {
    const uint64_t from = cursor >> (64 - kCursorShift) != 0 ? UINT64_MAX : cursor << kCursorShift;
    collection.tree()->ForLeaves(from, [&](const ds::PackedRecords& leaf, uint64_t next) {
      const char* record = leaf.begin;
      for (size_t i = 0; i < leaf.count && visit(record); ++i) record = ds::SkipRecord(record, collection.format());
      cursor = next >> kCursorShift;
      return seen < static_cast<uint64_t>(options.count) && !reply.output().failed();
    });
  }
  if (reply.output().failed()) return kOk;
  char digits[base::kIntChars];
  const Bytes text = base::FormatUint64(cursor, digits);
  const base::FixedText<96> head("*2\r\n$", text.size(), "\r\n", text, "\r\n*", found * per_record, "\r\n");
  reply.output().Insert(mark, head.view());
  return kOk;
}

}  // namespace larder::inline v0::commands
