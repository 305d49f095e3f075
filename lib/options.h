// Options: everything that a cache and its listener can be told, and the ways to fill it in.
//
//   larder::Options options;  // every default is Redis 7.0.15's, but bind's: this machine alone
//   options.maxmemory = 256 << 20;
//   options.maxmemory_policy = larder::MaxmemoryPolicy::kAllkeysLru;
//   absl::StatusOr<std::unique_ptr<larder::Cache>> cache = larder::Cache::Open(options);
//
// or from a redis.conf, with arguments as redis-server takes them on top:
//
//   absl::StatusOr<larder::Options> options = larder::ParseConfigFile("/etc/redis/redis.conf");
//   if (!options.ok()) return options.status();
//   absl::Status applied = larder::ApplyArguments(*options, {{"--port", "7777", "--maxmemory", "100mb"}});
//   if (!applied.ok()) return applied;
//
// A member is named after its directive, with _ for -. Each directive of Redis 7.0 is of one kind:
//   served    a member below, and the value has its effect;
//   compat    accepted, kept in `compat`, reported by CONFIG GET and written by CONFIG REWRITE, without effect;
//   off-only  its default is the only value there is; another one is an error that says why.
// The reference page has the kind, default and range of each: `./bazelw run //:reference`, or larder-reference where
// Larder is installed, prints it from the rows that everything here works from.
//
// Threads:   a plain struct: guard it yourself. Cache::Open copies it; CONFIG SET changes the copy, never yours.
// Errors:    Cache::Open checks values once more and answers INVALID_ARGUMENT with the name of the member at fault.
// Units:     sizes in bytes; the unit of a time stands at its member.
// "CONFIG SET" in a comment marks what can be changed while the cache runs.
#ifndef LARDER_OPTIONS_H_
#define LARDER_OPTIONS_H_

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <larder/clock.h>
#include <larder/export.h>
#include <larder/memory.h>

namespace larder::inline v0 {

// Which entries give way when maxmemory is reached. volatile-*: only those with an expiry.
enum class MaxmemoryPolicy : uint8_t {
  kNoeviction,  // None: commands that need memory answer an OOM error.
  kAllkeysLru,
  kVolatileLru,
  kAllkeysLfu,
  kVolatileLfu,
  kAllkeysRandom,
  kVolatileRandom,
  kVolatileTtl,  // The nearest expiry first.
  // S3-FIFO (Yang et al., SOSP 2023), which Redis does not have: keys that are used once leave soon, so that scans cost
  // little of what is used often. OBJECT FREQ is refused as under the LRU policies; IDLETIME tells since when a key has
  // been in its queue.
  kAllkeysS3Fifo,
  kVolatileS3Fifo,
};

enum class LogLevel : uint8_t { kDebug, kVerbose, kNotice, kWarning };

// What does the cache's work in the background: active expiry, freeing of large values, delivery of callbacks.
enum class Background : uint8_t {
  kThread,  // A thread of the cache's own, made when there is first something to do.
  kLoop,    // The time events of the listener's loop. With no listener started nothing is done, except in Tick.
  kTick,    // Only Cache::Tick(deadline), called by the host.
};

enum class ProtectedAction : uint8_t { kNo, kYes, kLocal };  // kLocal: for clients of this machine only.
enum class Supervised : uint8_t { kNo, kAuto, kUpstart, kSystemd };
enum class TlsAuthClients : uint8_t { kNo, kYes, kOptional };  // Must clients show a certificate?
// The listener's poller; kAuto: the best there is. kIoUring takes a program that passes it (net/uring.h).
enum class AeApi : uint8_t { kAuto, kEpoll, kKqueue, kEvport, kPoll, kSelect, kIoUring };

// What a client said to SHUTDOWN.
struct ShutdownRequest {
  bool save = false;    // SHUTDOWN SAVE
  bool nosave = false;  // SHUTDOWN NOSAVE
  bool now = false;     // SHUTDOWN NOW
  bool force = false;   // SHUTDOWN FORCE
};

// A client with more than `hard` bytes of replies unsent is disconnected at once; one with more than `soft` bytes when
// that has lasted for soft_seconds. 0: no such limit.
struct OutputBufferLimit {
  uint64_t hard = 0;
  uint64_t soft = 0;
  int64_t soft_seconds = 0;
  bool operator==(const OutputBufferLimit&) const = default;
};

namespace engine {
struct Family;
}

struct Options {
  // ---- What a program sets and no directive can ---------------------------------------------------------------------

  // Null: RealClock().
  std::shared_ptr<Clock> clock = nullptr;

  // Where entries, tables and values live. Null: SystemMemory().
  std::shared_ptr<MemorySource> memory = nullptr;

  // Feeds the hash and every random choice (RANDOMKEY, eviction, run_id). 0: taken from the system, as it should be
  // wherever strangers choose the keys.
  uint64_t seed = 0;

  // Gets each log line of `loglevel` and above, without a newline. Called from any thread, also from several at once,
  // and while a command runs: it must not call the cache. Null: lines are dropped. It must not throw.
  std::function<void(LogLevel, std::string_view)> log = nullptr;

  Background background = Background::kThread;

  // Commands beyond the core's own, that optional parts of Larder export. They outlive the cache. A name that there is
  // already, a row without a function and a null pointer are errors.
  std::vector<const engine::Family*> families = {};

  // Asked when a client sends SHUTDOWN, on any thread and while the command runs, so that it must neither call the
  // cache nor throw: it notes the wish and wakes whoever will close the cache. OK means that this will be soon, an
  // error is the client's answer. Null: SHUTDOWN is refused. A guest never ends its host.
  std::function<absl::Status(const ShutdownRequest&)> on_shutdown = nullptr;

  // The listener lets the system pick a free TCP port, whatever `port` says; Listener::port() tells which.
  bool any_port = false;

  // ---- Keyspace -----------------------------------------------------------------------------------------------------

  int databases = 16;  // 1 to INT_MAX; each is made on first use and costs nothing before.

  // Bytes of this cache (not of the process); 0: no limit. CONFIG SET. A write that finds more in use evicts what the
  // policy lets go, until no more is in use, or for 100 us and as much as it adds, and runs though there may still be
  // more in use; what is left over is evicted in the background. It is refused if nothing may be evicted, and if its
  // value alone is larger than maxmemory: then nothing is evicted for it. One that finds no more in use runs, so that
  // use may exceed the limit by what one write adds. Reads evict nothing. When `memory` has no more to give although
  // maxmemory has not been reached, writes evict too.
  uint64_t maxmemory = 0;
  MaxmemoryPolicy maxmemory_policy = MaxmemoryPolicy::kNoeviction;  // CONFIG SET.

  int maxmemory_samples = 5;  // lru and lfu: keys compared to find one to evict. CONFIG SET.
  int lfu_log_factor = 10;    // lfu: how slowly a key's counter rises. CONFIG SET.
  int lfu_decay_time = 1;     // lfu: minutes without use after which it falls by one; 0: never. CONFIG SET.

  // How many fields, of how many bytes each, a hash may have and still answer in the order in which they came, as
  // "listpack". How it is stored does not depend on it. CONFIG SET.
  int64_t hash_max_listpack_entries = 512;
  int64_t hash_max_listpack_value = 64;
  // The same of sorted sets, which are a "skiplist" beyond it, and of sets of integers, which are an "intset" and answer
  // in ascending order. CONFIG SET.
  int64_t zset_max_listpack_entries = 128;
  int64_t zset_max_listpack_value = 64;
  int64_t set_max_intset_entries = 512;
  // How many entries, of how many bytes together, make up a node of a stream; 0: no limit. It decides what XTRIM with ~
  // leaves. CONFIG SET.
  int64_t stream_node_max_entries = 100;
  int64_t stream_node_max_bytes = 4096;

  // Which changes of keys are published, as in Redis: K in channels "__keyspace@<db>__:<key>", E in
  // "__keyevent@<db>__:<event>"; and classes of events, g$lshzxetd or A for all of these, n for new keys, m for reads
  // that find none. "": none. Other letters are errors. CONFIG SET.
  std::string notify_keyspace_events = {};

  int hz = 10;                   // Rounds of background work a second, 1 to 500. CONFIG SET.
  // 1 to 10: how much of an event loop's time active expiry may take while more keys are due than it keeps up with: 25
  // %, and 2 % for each point above 1. A thread of its own and Tick go on until nothing is due. CONFIG SET.
  int active_expire_effort = 1;

  // Free values of deleted entries in slices in the background rather than inside the command. Kept and reported
  // without effect: what takes long (a flushed database, a value over 1 MB) is always freed in slices, the rest at
  // once. CONFIG SET.
  bool lazyfree_lazy_eviction = false;    // ... when evicted.
  bool lazyfree_lazy_expire = false;      // ... when expired.
  bool lazyfree_lazy_server_del = false;  // ... when overwritten, as by RENAME.
  bool lazyfree_lazy_user_del = false;    // ... DEL works as UNLINK.
  bool lazyfree_lazy_user_flush = false;  // ... FLUSHDB and FLUSHALL work as with ASYNC.

  // ---- Who may do what ----------------------------------------------------------------------------------------------

  std::string requirepass = {};  // Clients must AUTH with it; "": none. CONFIG GET shows it, as Redis does. CONFIG SET.
  ProtectedAction enable_debug_command = ProtectedAction::kNo;      // DEBUG
  ProtectedAction enable_protected_configs = ProtectedAction::kNo;  // CONFIG SET of `dir` and dbfilename

  // ---- Listener -----------------------------------------------------------------------------------------------------

  int port = 6379;  // 0: no TCP. CONFIG SET.
  // At most 16 addresses; a leading '-': no error if it cannot be had; "*" and "::*": all of IPv4, of IPv6. Not set:
  // this machine alone, 127.0.0.1 and ::1, which is not Redis's default: a guest opens no door of its host's unasked.
  // larder-server sets Redis's, {"*", "-::*"}, before it reads its file. CONFIG SET.
  std::optional<std::vector<std::string>> bind = std::nullopt;
  std::string unixsocket = {};  // A path; "": no unix socket.
  uint32_t unixsocketperm = 0;  // Its permission bits; 0: as the umask has it. Octal in redis.conf.
  bool protected_mode = true;  // With no requirepass, refuse clients that are not of this machine. CONFIG SET.
  int tcp_backlog = 511;
  int timeout = 0;          // Seconds after which an idle client is disconnected; 0: never. CONFIG SET.
  int tcp_keepalive = 300;  // Seconds between probes of a silent connection; 0: none. CONFIG SET.
  uint32_t maxclients = 10000;  // CONFIG SET.
  uint64_t client_query_buffer_limit = 1 << 30;  // Bytes of requests not yet run, per client. CONFIG SET.
  uint64_t proto_max_bulk_len = 512 << 20;       // Bytes of one argument. CONFIG SET.

  uint64_t hll_sparse_max_bytes = 3000;          // A HyperLogLog that would be longer than this becomes dense. CONFIG SET.

  // The most memory of all clients' buffers together, over which the clients with the most are disconnected: bytes, or,
  // below 0, percent of maxmemory (-5: 5 %). 0: no limit. CONFIG SET.
  int64_t maxmemory_clients = 0;

  // async-bytes-max, Larder's own directive: how much memory Cache::ExecuteAsync's commands, copied with their
  // arguments, and replies may take until their callbacks have returned; no command that is copied may be longer.
  // CONFIG SET.
  uint64_t async_bytes_max = 64 << 20;

  // client-output-buffer-limit. CONFIG SET.
  OutputBufferLimit output_limit_normal = {};
  OutputBufferLimit output_limit_replica = {256 << 20, 64 << 20, 60};
  OutputBufferLimit output_limit_pubsub = {32 << 20, 8 << 20, 60};

  AeApi ae_api = AeApi::kAuto;  // ae-api: Larder's own directive.

  // Seconds that a client has for its TLS handshake and AUTH: who has not finished by then is disconnected once no more
  // than an eighth of maxclients is free. 0: never, as in Redis, and so in larder-server. Larder's own. CONFIG SET.
  int authentication_timeout = 10;

  // ---- TLS, by a listener that was given ListenerOptions::tls -------------------------------------------------------
  // CONFIG SET changes all of it for connections made from then on; a file, given once more, is read once more.

  int tls_port = 0;  // 0: no TLS.
  std::string tls_cert_file = {};  // PEM files: the server's certificate, with those between it and the authority's,
  std::string tls_key_file = {};   // and its key.
  std::string tls_key_file_pass = {};
  std::string tls_ca_cert_file = {};  // Certificates of the authorities that clients' certificates are checked by,
  std::string tls_ca_cert_dir = {};   // or a directory of them, hashed by `openssl rehash`.
  TlsAuthClients tls_auth_clients = TlsAuthClients::kYes;
  std::string tls_protocols = {};  // Of "TLSv1.2 TLSv1.3" and the older TLSv1 and TLSv1.1; "": the first two.
  std::string tls_ciphers = {};       // Up to TLS 1.2, as OpenSSL writes them; "": its defaults.
  std::string tls_ciphersuites = {};  // TLS 1.3's.
  bool tls_prefer_server_ciphers = false;
  std::string tls_dh_params_file = {};
  bool tls_session_caching = true;
  int tls_session_cache_size = 20480;    // Sessions; 0: no limit.
  int tls_session_cache_timeout = 300;  // Seconds.

  // ---- For the program around the cache: larder-server acts on them, the library does not ---------------------------

  LogLevel loglevel = LogLevel::kNotice;  // The library too: what `log` gets. CONFIG SET.
  std::string logfile = {};               // "": standard output.
  bool daemonize = false;
  std::string pidfile = {};
  Supervised supervised = Supervised::kNo;
  bool always_show_logo = false;
  std::string dir = {};  // An absolute path; "": the working directory of the process.

  // The file that CONFIG REWRITE rewrites, as an absolute path; "": none. ParseConfigFile and ApplyArguments set it.
  std::string config_file = {};

  // Directives of Redis that are accepted without effect: name to value as CONFIG GET prints it. One that is missing
  // has Redis's default. (rename-command, loadmodule and user, of which CONFIG GET knows nothing, are refused instead;
  // but not `user default`, as Redis writes it into its file for one who may do all with requirepass or without a
  // password.)
  std::map<std::string, std::string, std::less<>> compat = {};
};

// Reads a file in the format of redis.conf on top of `base`: a directive a line, its arguments separated by blanks,
// with "..." (escapes: \n \r \t \b \a \" \\ \xHH) or '...' (escape: \') around what contains blanks; lines that start
// with # are comments; `include PATTERN` reads other files in its place. Sizes may end in k kb m mb g gb (1k is 1000,
// 1kb is 1024), in upper or lower case. Sets config_file. A file may be 4 MB long, and so may a line of it.
// Errors: INVALID_ARGUMENT names file, line and directive, and what is allowed; others (NOT_FOUND, PERMISSION_DENIED,
// ...) name the file that cannot be read.
LARDER_API absl::StatusOr<Options> ParseConfigFile(std::string_view path, Options base = {});

// The same for text from elsewhere; `file_name` is for messages only. `options` is unchanged after an error.
LARDER_API absl::Status ApplyConfigText(Options& options, std::string_view text, std::string_view file_name);

// Arguments as those of redis-server after its own name: [FILE] [--directive value...]... [-]; "-", alone or last,
// reads lines from standard input, after FILE and before the directives. `options` is unchanged after an error.
LARDER_API absl::Status ApplyArguments(Options& options, std::span<const std::string_view> arguments);

}  // namespace larder::inline v0

#endif  // LARDER_OPTIONS_H_
