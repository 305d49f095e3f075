#include "lib/commands/entry_text.h"

namespace larder::inline v0::commands {
namespace {

// Redis keeps one object for each of these and says INT_MAX of the references to it.
constexpr int64_t kSharedIntegers = 10000;
constexpr int64_t kSharedReferences = 2147483647;

}  // namespace

Bytes TypeName(keyspace::Type type) {
  switch (type) {
    case keyspace::Type::kString: return "string";
    case keyspace::Type::kList: return "list";
    case keyspace::Type::kSet: return "set";
    case keyspace::Type::kZset: return "zset";
    case keyspace::Type::kHash: return "hash";
    case keyspace::Type::kStream: return "stream";
  }
  return "string";
}

Bytes EncodingName(keyspace::Encoding encoding) {
  switch (encoding) {
    case keyspace::Encoding::kRaw: return "raw";
    case keyspace::Encoding::kInt: return "int";
    case keyspace::Encoding::kEmbstr: return "embstr";
    case keyspace::Encoding::kQuicklist: return "quicklist";
    case keyspace::Encoding::kListpack: return "listpack";
    case keyspace::Encoding::kIntset: return "intset";
    case keyspace::Encoding::kHashtable: return "hashtable";
    case keyspace::Encoding::kSkiplist: return "skiplist";
    case keyspace::Encoding::kStream: return "stream";
  }
  return "raw";
}

bool IsLfu(MaxmemoryPolicy policy) {
  return policy == MaxmemoryPolicy::kAllkeysLfu || policy == MaxmemoryPolicy::kVolatileLfu;
}

bool IsLru(MaxmemoryPolicy policy) {
  return policy == MaxmemoryPolicy::kAllkeysLru || policy == MaxmemoryPolicy::kVolatileLru;
}

int64_t References(const Options& options, const keyspace::Entry& entry) {
  const bool shares =
      options.maxmemory == 0 || !(IsLfu(options.maxmemory_policy) || IsLru(options.maxmemory_policy));
  const bool shared = shares && entry.encoding() == keyspace::Encoding::kInt && entry.integer() >= 0 &&
                      entry.integer() < kSharedIntegers;
  return shared ? kSharedReferences : 1;
}

}  // namespace larder::inline v0::commands
