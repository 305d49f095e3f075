// Whole sessions from random bytes: up to three RESP connections of one cache, in memory, on a clock that stands still.
//
// The input:
//   byte 0   the cache: bits 0-2 maxmemory and its policy (0 to 3: no limit), bit 3 a password, bit 4 a low
//            maxmemory-clients, bit 5 all connections start with HELLO 3
//   byte 1   the pieces in which the bytes are fed: 0, as long as may be, else of 1 to that many bytes
//   rest     what the clients send, but for 0xff, which is an order to the test together with the byte behind it:
//     0 1 2  what follows is from this client            + n    n * 2 KB of 'x', so that a small input has large ones
//     x      it goes, and comes back                     t n    n * n ms pass
//     r      it stops to read, or reads again            T      background work is done
//            anything else: a piece ends here
//
// What must hold: every byte that comes out belongs to a well-formed reply; with one client alone the replies do not
// depend on the pieces; at the end the cache answers, its tables and counts agree with each other, and when the clients
// and keys are gone so is their memory.
#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include <larder/cache.h>
#include <larder/clock.h>
#include "lib/base/random.h"
#include "lib/core/core.h"
#include "lib/ds/hash_table_check.h"
#include "lib/engine/engine.h"
#include "lib/keyspace/keyspace.h"
#include "lib/resp/parser.h"
#include "lib/resp/reply_parser.h"
#include "tests/fuzz/fuzz.h"

namespace larder::fuzz {
namespace {

constexpr int kClients = 3;
constexpr uint8_t kOrder = 0xff;
constexpr size_t kPieceMax = 1024;        // also of what is fed whole: bounds how much a piece's replies take
constexpr size_t kExpandedMax = 1 << 19;  // bytes that '+' makes of one input
constexpr size_t kRepeat = 2048;

struct Plan {
  uint8_t cache = 0;
  size_t piece_max = kPieceMax;
  std::string_view bytes;
};

Options OptionsOf(uint8_t flags, std::shared_ptr<Clock> clock) {
  static constexpr MaxmemoryPolicy kPolicies[] = {MaxmemoryPolicy::kNoeviction, MaxmemoryPolicy::kAllkeysLru,
                                                  MaxmemoryPolicy::kVolatileTtl, MaxmemoryPolicy::kAllkeysS3Fifo};
  Options options;
  options.clock = std::move(clock);
  options.seed = 20261126;
  options.background = Background::kTick;
  options.proto_max_bulk_len = 1 << 20;
  options.client_query_buffer_limit = 1 << 20;
  options.output_limit_normal = {.hard = 8 << 20};
  if ((flags & 4) != 0) {
    options.maxmemory = 300'000;
    options.maxmemory_policy = kPolicies[flags & 3];
  }
  if ((flags & 8) != 0) options.requirepass = "pw";
  if ((flags & 16) != 0) options.maxmemory_clients = 100'000;
  return options;
}

// A connection, and its replies as a client takes them.
class Client {
 public:
  Client(Cache& cache, uint8_t flags) : cache_(cache), hello_((flags & 32) != 0) { Connect(); }

  void Connect() {
    connection_.reset();
    scanner_.Reset();
    pending_.clear();
    reads_ = true;
    absl::StatusOr<std::unique_ptr<RespConnection>> made = cache_.NewConnection();
    Require(made.ok(), "a connection can be had");
    connection_ = *std::move(made);
    if (hello_) Feed("HELLO 3\r\n");
  }
  void Feed(std::string_view bytes) {
    Require(connection_->Feed(bytes).ok(), "the cache takes what comes", bytes);
    if (reads_) Read();
  }
  // In two steps, as a socket that takes a part.
  void Read() {
    const size_t half = connection_->output().size() / 2;
    Take(half);
    Take(connection_->output().size());
    Require(connection_->output().empty(), "output is gone once it is consumed");
    Require(pending_.empty(), "no reply is cut", pending_);
  }
  void ToggleReading() {
    reads_ = !reads_;
    if (reads_) Read();
  }
  const std::string& replies() const { return replies_; }
  bool closed() const { return connection_->closed(); }

 private:
  void Take(size_t n) {
    const std::string_view out = connection_->output().substr(0, n);
    pending_ += out;
    replies_ += out;
    connection_->ConsumeOutput(n);
    for (;;) {
      const ssize_t length = pending_.empty() ? 0 : scanner_.Scan(pending_);
      Require(length >= 0, "replies are well-formed", pending_);
      if (length == 0) return;
      pending_.erase(0, static_cast<size_t>(length));
      scanner_.Reset();
    }
  }

  Cache& cache_;
  const bool hello_;
  bool reads_ = true;
  std::unique_ptr<RespConnection> connection_;
  resp::ReplyScanner scanner_;
  std::string pending_;  // of a reply that has come in part
  std::string replies_;
};

class World {
 public:
  explicit World(const Plan& plan)
      : plan_(plan), clock_(std::make_shared<ManualClock>()), random_(plan.piece_max) {
    absl::StatusOr<std::unique_ptr<Cache>> cache = Cache::Open(OptionsOf(plan.cache, clock_));
    Require(cache.ok(), "the cache opens");
    cache_ = *std::move(cache);
  }

  void Play() {
    Input input(plan_.bytes);
    client();  // there is one in any case
    while (input.Next()) {
      if (input.is_text) SendInPieces(input.text);
      else Obey(input.order, input.argument);
    }
  }
  std::string RepliesToFirst() { return clients_[0]->replies(); }

  // What must hold afterwards.
  void CheckEnd() {
    CheckTables();
    for (std::unique_ptr<Client>& client : clients_) client.reset();
    Free();
    Stats stats = StatsNow();
    Require(stats.connected_clients == 0, "clients that went are not counted");
    Require(stats.watched_keys == 0, "nobody watches any more");
    Require(stats.used_memory_clients == 0, "buffers of clients that went are free");
    CheckThatItWorks();
    CheckTables();
    Require(cache_->Execute({"FLUSHALL"}).ok(), "FLUSHALL");
    for (int i = 0; i < 1000 && StatsNow().value_blocks != 0; ++i) Tick();
    stats = StatsNow();
    Require(stats.keys == 0 && stats.expires == 0 && stats.database_count == 0, "no key is left");
    Require(stats.value_blocks == 0 && stats.used_memory_blocks == 0, "no value is left");
    Require(cache_->Close(absl::InfiniteFuture()).ok(), "it closes, with nothing pinned");
  }

 private:
  // Text and orders, one after the other.
  struct Input {
    explicit Input(std::string_view all) : left(all) {}
    bool Next() {
      if (left.empty()) return false;
      const size_t at = left.find(static_cast<char>(kOrder));
      is_text = at != 0;
      if (is_text) {
        text = left.substr(0, at);
        left.remove_prefix(text.size());
        return true;
      }
      left.remove_prefix(1);
      order = TakeByte();
      argument = order == '+' || order == 't' ? TakeByte() : 0;
      return true;
    }
    uint8_t TakeByte() {
      if (left.empty()) return 0;
      const auto byte = static_cast<uint8_t>(left[0]);
      left.remove_prefix(1);
      return byte;
    }
    std::string_view left;
    bool is_text = false;
    std::string_view text;
    uint8_t order = 0;
    uint8_t argument = 0;
  };

  Client& client() {
    std::unique_ptr<Client>& client = clients_[static_cast<size_t>(current_)];
    if (client == nullptr) client = std::make_unique<Client>(*cache_, plan_.cache);
    return *client;
  }

  void SendInPieces(std::string_view text) {
    while (!text.empty()) {
      size_t n = plan_.piece_max == kPieceMax ? kPieceMax : 1 + random_.Below(plan_.piece_max);
      n = std::min(n, text.size());
      // A copy of its own, so that AddressSanitizer finds who looks at it later.
      const std::string piece(text.substr(0, n));
      client().Feed(piece);
      text.remove_prefix(n);
    }
  }

  void Obey(uint8_t order, uint8_t argument) {
    switch (order) {
      case '0':
      case '1':
      case '2': current_ = order - '0'; break;
      case '+': {
        const std::string bytes(std::min(argument * kRepeat, kExpandedMax - expanded_), 'x');
        expanded_ += bytes.size();
        SendExpanded(bytes);
        break;
      }
      case 'x': client().Connect(); break;
      case 'r': client().ToggleReading(); break;
      case 't': clock_->Advance(absl::Milliseconds(argument * argument)); break;
      case 'T': Tick(); break;
      default: break;  // the piece ends, which it has
    }
  }
  // As large as a socket gives them.
  void SendExpanded(std::string_view bytes) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), size_t{16'384}))) {
      client().Feed(bytes.substr(0, 16'384));
    }
  }

  void Tick() { Require(cache_->Tick(absl::InfinitePast()).ok(), "Tick"); }
  Stats StatsNow() {
    const absl::StatusOr<Stats> stats = cache_->Stats();
    Require(stats.ok(), "Stats");
    return *stats;
  }

  // From what the clients may have configured.
  void Free() {
    for (const auto& [name, value] : {std::pair("maxmemory", "0"), std::pair("requirepass", ""),
                                      std::pair("maxmemory-clients", "0"), std::pair("maxclients", "100")}) {
      const absl::StatusOr<Reply> reply = cache_->Execute({"CONFIG", "SET", name, value});
      Require(reply.ok() && !reply->is_error(), "CONFIG SET", name);
    }
    Require(cache_->Execute({"CLIENT", "UNPAUSE"}).ok(), "CLIENT UNPAUSE");
    Tick();
  }

  void CheckTables() {
    keyspace::Keyspace& keyspace = cache_->core().engine().keyspace();
    const Stats stats = StatsNow();
    uint64_t keys = 0, expires = 0;
    for (int i = 0; i < 16; ++i) {
      keyspace::Db* const db = keyspace.db_if_made(i);
      if (db == nullptr) continue;
      const char* const broken = ds::CheckInvariants(db->table());
      Require(broken == nullptr, "a table's invariants", broken == nullptr ? "" : broken);
      keys += db->size();
      expires += db->expiring();
    }
    Require(stats.keys == keys && stats.expires == expires, "keys are counted right");
    Require(stats.used_memory == stats.used_memory_arena + stats.used_memory_blocks + stats.used_memory_clients,
            "used_memory is its parts together");
  }

  void CheckThatItWorks() {
    Client fresh(*cache_, 0);
    fresh.Feed("PING\r\nSELECT 3\r\nSET probe value\r\nGET probe\r\nDEL probe\r\n");
    Require(fresh.replies() == "+PONG\r\n+OK\r\n+OK\r\n$5\r\nvalue\r\n:1\r\n", "a fresh client is answered",
            fresh.replies());
  }

  const Plan plan_;
  std::shared_ptr<ManualClock> clock_;
  base::Random random_;
  std::unique_ptr<Cache> cache_;
  std::array<std::unique_ptr<Client>, kClients> clients_;
  int current_ = 0;
  size_t expanded_ = 0;
};

// Whether the replies may not depend on the pieces: one client, no limits, and nothing asked that tells of buffers or
// changes limits, as far as one can see (an inline request can write any word in escapes). Nor a line of over 64 KB,
// which is refused, as in Redis, only if its end has not come with the rest.
bool IsComparable(const Plan& plan) {
  if ((plan.cache & (4 | 16)) != 0) return false;
  std::string lower;
  size_t bytes = plan.bytes.size();
  for (size_t i = 0; i < plan.bytes.size(); ++i) {
    if (static_cast<uint8_t>(plan.bytes[i]) == kOrder && i + 1 < plan.bytes.size()) {
      if (plan.bytes[i + 1] != '+') return false;
      if (i + 2 < plan.bytes.size()) bytes += static_cast<uint8_t>(plan.bytes[i + 2]) * kRepeat;
    }
    lower += static_cast<char>(std::tolower(static_cast<uint8_t>(plan.bytes[i])));
  }
  if (bytes > resp::RequestParser::kInlineMax) return false;
  for (const char* word : {"info", "client", "config", "monitor", "\\"}) {
    if (lower.find(word) != std::string::npos) return false;
  }
  return true;
}

}  // namespace
}  // namespace larder::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using larder::fuzz::kPieceMax;
  if (size < 2) return 0;
  larder::fuzz::Plan plan;
  plan.cache = data[0];
  plan.piece_max = data[1] == 0 ? kPieceMax : data[1];
  plan.bytes = {reinterpret_cast<const char*>(data) + 2, size - 2};
  larder::fuzz::World world(plan);
  world.Play();
  if (plan.piece_max != kPieceMax && larder::fuzz::IsComparable(plan)) {
    larder::fuzz::Plan whole = plan;
    whole.piece_max = kPieceMax;
    larder::fuzz::World other(whole);
    other.Play();
    larder::fuzz::Require(world.RepliesToFirst() == other.RepliesToFirst(), "replies do not depend on the pieces",
                          world.RepliesToFirst() + "\n---\n" + other.RepliesToFirst());
    other.CheckEnd();
  }
  world.CheckEnd();
  return 0;
}
