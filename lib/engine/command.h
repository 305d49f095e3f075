// A command is one row and one function.
//
// The function parses what is left of argv with an ArgReader, calls an op, and writes its reply. The row says the rest:
// dispatch, arity errors, COMMAND INFO, DOCS and GETKEYS, and later ACL, fuzz words and the reference page follow from
// it. A family's file holds its functions and, at the foot, its rows (family.h).
//
//   Error GetRange(CommandContext& ctx, ArgReader args, ReplyWriter& reply) { ... }
//
//   constexpr KeySpec kGetRangeKeys[] = {OneKey(1, kKeyReadOnly | kKeyAccess)};
//   constexpr ArgSpec kGetRangeArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec = 0}, ...};
//   constexpr auto kRows = Rows({.group = Group::kString, .categories = kAclString}, {
//       {.name = "getrange", .run = GetRange, .arity = Exactly(4), .flags = kCmdReadOnly, .keys = kGetRangeKeys,
//        .args = kGetRangeArgs, .summary = "...", .complexity = "O(N) ...", .since = "2.4.0"},
//   });
//
// Errors: a function returns kOk after it has written exactly one reply; or a constant Error and has written nothing;
// or kReplied after it wrote an error that quotes input. It has changed nothing when it returns an error.
//
// Names, shapes, flags and error texts are Redis 7.0's; summaries and complexity sentences are our own words.
#ifndef LARDER_ENGINE_COMMAND_H_
#define LARDER_ENGINE_COMMAND_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/numbers.h"
#include "lib/keyspace/db.h"
#include "lib/keyspace/errors.h"
#include "lib/keyspace/room.h"
#include "lib/resp/writer.h"

namespace larder::inline v0::engine {

struct CommandContext;

// Reads arguments from left to right. Cheap to copy.
class ArgReader {
 public:
  // Starts behind the command's own name (and its subcommand's).
  ArgReader(std::span<const Bytes> argv, size_t skip) : argv_(argv), next_(skip) {}

  bool done() const { return next_ >= argv_.size(); }
  size_t remaining() const { return argv_.size() - next_; }
  Bytes Peek() const { return argv_[next_]; }
  Bytes Next() { return argv_[next_++]; }
  Bytes Key() { return argv_[next_++]; }
  std::span<const Bytes> rest() const { return argv_.subspan(next_); }
  // All of it, the command's name first, as the client sent it.
  std::span<const Bytes> argv() const { return argv_; }

  // Takes the next argument if it is `word`, ASCII case ignored.
  bool Take(Bytes word) {
    if (done() || !base::EqualsIgnoreCase(argv_[next_], word)) return false;
    ++next_;
    return true;
  }
  // REQUIRES: !done().
  Result<int64_t> Int(const ErrorText& otherwise = errors::kNotInteger) {
    int64_t value = 0;
    if (!base::ParseInt64(argv_[next_++], &value)) return otherwise;
    return value;
  }

 private:
  std::span<const Bytes> argv_;
  size_t next_;
};

using CommandFn = Error (*)(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply);

// Arity as Redis counts it, the name included: n exactly n, -n at least n.
constexpr int Exactly(int n) { return n; }
constexpr int AtLeast(int n) { return -n; }

// In the order in which COMMAND INFO lists them.
enum CommandFlag : uint32_t {
  kCmdWrite = 1u << 0, kCmdReadOnly = 1u << 1, kCmdDenyOom = 1u << 2, kCmdModule = 1u << 3, kCmdAdmin = 1u << 4,
  kCmdPubsub = 1u << 5, kCmdNoscript = 1u << 6, kCmdBlocking = 1u << 7, kCmdLoading = 1u << 8, kCmdStale = 1u << 9,
  kCmdSkipMonitor = 1u << 10, kCmdSkipSlowlog = 1u << 11, kCmdAsking = 1u << 12, kCmdFast = 1u << 13,
  kCmdNoAuth = 1u << 14, kCmdMayReplicate = 1u << 15, kCmdNoAsyncLoading = 1u << 16, kCmdNoMulti = 1u << 17,
  kCmdMovableKeys = 1u << 18, kCmdAllowBusy = 1u << 19, kCmdNoMandatoryKeys = 1u << 20,
  // Ours, not listed by COMMAND INFO. Between MULTI and EXEC such a command runs at once, where others are queued.
  kCmdRunsInMulti = 1u << 21,
  // It ends the transaction. A client may send it although memory is short.
  kCmdEndsMulti = 1u << 22,
  // EXEC: it does what the queued commands do.
  kCmdRunsQueue = 1u << 23,
  // A read that keeps what it has found out in the value (PFCOUNT): what holds writes back holds it too.
  kCmdKeepsResult = 1u << 24,
  // A subscriber that speaks RESP2 may send it.
  kCmdWhileSubscribed = 1u << 25,
  // PUBLISH: what holds writes back holds it too.
  kCmdPublishes = 1u << 26,
  // Short: what it costs is bounded by its arguments, or CommandSpec::is_short knows
  // when. Only short work may run on a stranger's thread: see short.h. (kCmdFast is another thing: SET lacks it.)
  kCmdShort = 1u << 27,
  // DEBUG and its like: only where enable-debug-command allows it.
  kCmdProtected = 1u << 28,
  // A command for the server's own use: COMMAND DOCS says syscmd.
  kCmdSystem = 1u << 29,
  // The command belongs to a session that lasts: Cache::Execute refuses it and names cache.NewSession().
  kCmdNeedsSession = 1u << 30,
  // It may wait: see blocking.h. (kCmdBlocking is what COMMAND INFO says, and WAIT lacks it.)
  kCmdWaits = 1u << 31,
};

// ACL categories beyond those that follow from the flags (write, read, admin, dangerous, pubsub, blocking, fast, slow).
enum AclCategory : uint32_t {
  kAclKeyspace = 1u << 0, kAclString = 1u << 1, kAclConnection = 1u << 2, kAclTransaction = 1u << 3,
  kAclScripting = 1u << 4, kAclDangerous = 1u << 5, kAclSet = 1u << 6, kAclSortedSet = 1u << 7, kAclList = 1u << 8,
  kAclHash = 1u << 9, kAclBitmap = 1u << 10, kAclHyperLogLog = 1u << 11, kAclGeo = 1u << 12, kAclStream = 1u << 13,
  kAclRead = 1u << 14, kAclWrite = 1u << 15, kAclAdmin = 1u << 16, kAclPubsub = 1u << 17, kAclBlocking = 1u << 18,
};

enum KeyFlag : uint16_t {
  kKeyReadOnly = 1 << 0, kKeyReadWrite = 1 << 1, kKeyOverwrite = 1 << 2, kKeyRemove = 1 << 3,  // RO RW OW RM
  kKeyAccess = 1 << 4, kKeyUpdate = 1 << 5, kKeyInsert = 1 << 6, kKeyDelete = 1 << 7,
  kKeyNotKey = 1 << 8, kKeyIncomplete = 1 << 9, kKeyVariableFlags = 1 << 10,
};

// Where a command's keys are: begin_search, then find_keys, as COMMAND INFO shows them.
struct KeySpec {
  uint16_t flags = 0;
  enum Begin : uint8_t { kIndex, kKeyword, kUnknownBegin } begin = kIndex;
  int index = 0;                  // kIndex
  std::string_view keyword = {};  // kKeyword
  int start_from = 0;             // kKeyword
  enum Find : uint8_t { kRange, kKeyNum, kUnknownFind } find = kRange;
  int last = 0;       // kRange: relative to the first key, or from the end if negative
  int step = 1;       // kRange and kKeyNum
  int limit = 0;      // kRange
  int key_num = 0;    // kKeyNum: where the count is, relative to begin
  int first_key = 0;  // kKeyNum
  std::string_view notes = {};
};

constexpr KeySpec OneKey(int index, uint16_t flags) { return {.flags = flags, .index = index}; }
constexpr KeySpec KeyRange(int first, int last, int step, uint16_t flags) {
  return {.flags = flags, .index = first, .last = last, .step = step};
}

enum class ArgType : uint8_t {
  kString, kInteger, kDouble, kKey, kPattern, kUnixTime, kPureToken, kOneOf, kBlock,
};

struct ArgSpec {
  std::string_view name = {};
  ArgType type = ArgType::kString;
  int key_spec = -1;  // kKey: which KeySpec
  std::string_view token = {};
  std::string_view summary = {};
  std::string_view since = {};
  bool optional = false;
  bool multiple = false;
  bool multiple_token = false;
  std::string_view deprecated_since = {};
  std::span<const ArgSpec> args = {};  // kOneOf and kBlock
};

enum class Group : uint8_t { kGeneric, kString, kList, kSet, kSortedSet, kHash, kPubsub, kTransactions, kConnection,
                             kServer, kScripting, kHyperLogLog, kCluster, kSentinel, kGeo, kStream, kBitmap,
                             kOfFamily = 255 };

// Some arguments that follow each other.
struct ArgRange {
  size_t first = 0;
  size_t count = 0;
};

struct HistoryItem {
  std::string_view since = {};
  std::string_view change = {};  // our words
};

struct CommandSpec {
  std::string_view name = {};  // lower case; a subcommand's is the bare word ("get" in CONFIG's)
  CommandFn run = nullptr;     // null in a container of subcommands that does nothing itself (family.h)
  int arity = 0;
  uint32_t flags = 0;
  uint32_t categories = 0;
  std::span<const std::string_view> tips = {};
  std::span<const KeySpec> keys = {};
  std::span<const ArgSpec> args = {};
  std::string_view summary = {};
  std::string_view complexity = {};
  Group group = Group::kOfFamily;
  std::string_view since = {};
  std::string_view deprecated_since = {};
  std::string_view replaced_by = {};  // our words, shown in DOCS
  std::span<const HistoryItem> history = {};
  // Keys that no KeySpec can describe, or whose flags depend on options (SET with GET): adds each key's position and
  // KeyFlags. False if argv makes no sense. Null if the specs suffice.
  bool (*get_keys)(std::span<const Bytes> argv, void (*add)(void* arg, size_t position, uint16_t flags),
                   void* arg) = nullptr;
  // Which arguments are passwords, that MONITOR shows to nobody: the first of them at or after `from`, and how many
  // follow each other; none: count 0. Null if there are none.
  ArgRange (*next_secrets)(std::span<const Bytes> argv, size_t from) = nullptr;
  // With kCmdShort, if the arguments' number and sizes do not tell. Changes nothing.
  bool (*is_short)(CommandContext& ctx, std::span<const Bytes> argv) = nullptr;
  // With kCmdDenyOom, if the arguments' sizes do not tell what it may add: raises `growth`, which has those. What is
  // too long to be stored, beyond `string_bytes_max`, adds nothing. `db`: nullptr if what is there now need not be
  // there when it runs. argv may be too short.
  void (*growth)(keyspace::Db* db, uint64_t string_bytes_max, std::span<const Bytes> argv,
                 keyspace::Growth* growth) = nullptr;
};

}  // namespace larder::inline v0::engine

#endif  // LARDER_ENGINE_COMMAND_H_
