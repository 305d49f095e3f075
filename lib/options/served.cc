// The directives that have their effect. Sorted by name. Help is for the reference page: our own words, one sentence or
// two, no unit that the row has already.
#include <algorithm>

#include "lib/options/rows.h"

namespace larder::inline v0::directives {
namespace {

constexpr Choice Word(std::string_view word, auto value) { return {word, static_cast<int64_t>(value)}; }

constexpr Choice kAeApis[] = {Word("auto", AeApi::kAuto),     Word("epoll", AeApi::kEpoll),
                              Word("kqueue", AeApi::kKqueue), Word("evport", AeApi::kEvport),
                              Word("poll", AeApi::kPoll),     Word("select", AeApi::kSelect),
                              Word("io_uring", AeApi::kIoUring)};
constexpr Choice kLogLevels[] = {Word("debug", LogLevel::kDebug), Word("verbose", LogLevel::kVerbose),
                                 Word("notice", LogLevel::kNotice), Word("warning", LogLevel::kWarning)};
constexpr Choice kPolicies[] = {Word("volatile-lru", MaxmemoryPolicy::kVolatileLru),
                                Word("volatile-lfu", MaxmemoryPolicy::kVolatileLfu),
                                Word("volatile-random", MaxmemoryPolicy::kVolatileRandom),
                                Word("volatile-ttl", MaxmemoryPolicy::kVolatileTtl),
                                Word("allkeys-lru", MaxmemoryPolicy::kAllkeysLru),
                                Word("allkeys-lfu", MaxmemoryPolicy::kAllkeysLfu),
                                Word("allkeys-random", MaxmemoryPolicy::kAllkeysRandom),
                                Word("noeviction", MaxmemoryPolicy::kNoeviction),
                                // Ours.
                                Word("volatile-s3fifo", MaxmemoryPolicy::kVolatileS3Fifo),
                                Word("allkeys-s3fifo", MaxmemoryPolicy::kAllkeysS3Fifo)};
constexpr Choice kTlsAuth[] = {Word("no", TlsAuthClients::kNo), Word("yes", TlsAuthClients::kYes),
                               Word("optional", TlsAuthClients::kOptional)};
constexpr Choice kSupervisors[] = {Word("upstart", Supervised::kUpstart), Word("systemd", Supervised::kSystemd),
                                   Word("auto", Supervised::kAuto), Word("no", Supervised::kNo)};

// What 7.0 makes of "hz 0" and "hz 9999" without a word.
constexpr int64_t ClampHz(int64_t hz) { return std::clamp<int64_t>(hz, 1, 500); }

constexpr Directive kServed[] = {
    Served<&Options::active_expire_effort>(
        Int("active-expire-effort", "1", 1, 10,
            "How much of each round of background work may go into finding expired keys before they are asked for.")),
    Served<&Options::ae_api>(Enum(
        "ae-api", "auto", kAeApis,
        "Larder's own: how the listener waits for its sockets; auto takes the best that works here. One that the "
        "platform or the program lacks is an error; one that the kernel refuses is logged, and the next best taken.",
        {.flags = kImmutable})),
    Served<&Options::always_show_logo>(
        Bool("always-show-logo", "no", "larder-server greets with its banner even if standard output is no terminal.",
             {.flags = kImmutable})),
    Served<&Options::async_bytes_max>(
        Memory("async-bytes-max", "67108864", 1, kInt64Max,
               "Larder's own: the most memory that a program's asynchronous commands and their replies may take until "
               "they are delivered; over it, such commands are refused.")),
    Served<&Options::authentication_timeout>(
        Int("authentication-timeout", "10", 0, kInt32Max,
            "Larder's own: how long a client may take for its TLS handshake and AUTH when no more than an eighth of "
            "maxclients is free; 0: for ever, which larder-server begins with.",
            {.unit = Unit::kSeconds})),
    ServedByHand(Other("bind", Type::kAddresses, "127.0.0.1 -::1",
                       "Addresses to listen on; with a '-' in front, no error if the machine does not have it. This "
                       "machine alone is the default of a program's listener; larder-server has Redis's, * -::*.")),
    ServedByHand(Other("client-output-buffer-limit", Type::kOutputLimits,
                       "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
                       "For a class of clients (normal, replica, pubsub): bytes of unsent replies that end the "
                       "connection at once, bytes that end it when they stay for so many seconds; 0 is no limit.")),
    Served<&Options::client_query_buffer_limit>(Memory("client-query-buffer-limit", "1073741824", 1048576, kInt64Max,
                                                       "The most of a client's input, not an argument of a request "
                                                       "yet, that is kept before the client is disconnected.")),
    Served<&Options::daemonize>(
        Bool("daemonize", "no", "larder-server goes to the background when it has started.", {.flags = kImmutable})),
    Served<&Options::databases>(
        Int("databases", "16", 1, kInt32Max, "How many numbered databases there are.", {.flags = kImmutable})),
    Served<&Options::dir>(
        Other("dir", Type::kPath, "", "The directory that larder-server works in.", {.flags = kProtected})),
    Served<&Options::enable_debug_command>(Enum(
        "enable-debug-command", "no", kProtectedActionChoices,
        "Whether DEBUG may be used: by nobody, by everybody, or by clients of this machine.", {.flags = kImmutable})),
    Served<&Options::enable_protected_configs>(
        Enum("enable-protected-configs", "no", kProtectedActionChoices,
             "Whether CONFIG SET may change dir and dbfilename: for nobody, for everybody, or for clients of this "
             "machine.",
             {.flags = kImmutable})),
    Served<&Options::hash_max_listpack_entries>(
        Int("hash-max-listpack-entries", "512", 0, kInt64Max,
            "Fields up to which a hash is called packed and keeps the order in which they came.",
            {.alias = "hash-max-ziplist-entries"})),
    Served<&Options::hash_max_listpack_value>(
        Memory("hash-max-listpack-value", "64", 0, kInt64Max, "Bytes of a field or value up to which a hash is.",
               {.alias = "hash-max-ziplist-value"})),
    Served<&Options::hll_sparse_max_bytes>(Memory("hll-sparse-max-bytes", "3000", 0, kInt64Max,
                                                  "A HyperLogLog that would be longer than this becomes dense.")),
    Served<&Options::hz>(Int("hz", "10", 0, kInt32Max,
                             "Rounds of background work in a second; below 1 counts as 1, above 500 as 500.",
                             {.unit = Unit::kPerSecond, .adjust = ClampHz})),
    Served<&Options::lazyfree_lazy_eviction>(
        Bool("lazyfree-lazy-eviction", "no", "Free evicted values in the background, not in a command that waits.")),
    Served<&Options::lazyfree_lazy_expire>(
        Bool("lazyfree-lazy-expire", "no", "Free expired values in the background, not in the command that met them.")),
    Served<&Options::lazyfree_lazy_server_del>(
        Bool("lazyfree-lazy-server-del", "no", "Free overwritten values, as of RENAME's target, in the background.")),
    Served<&Options::lazyfree_lazy_user_del>(Bool("lazyfree-lazy-user-del", "no", "DEL frees as UNLINK does.")),
    Served<&Options::lazyfree_lazy_user_flush>(
        Bool("lazyfree-lazy-user-flush", "no", "FLUSHDB and FLUSHALL free as if ASYNC had been said.")),
    Served<&Options::lfu_decay_time>(
        Int("lfu-decay-time", "1", 0, kInt32Max, "Minutes after which a counter of use falls by one.")),
    Served<&Options::lfu_log_factor>(Int("lfu-log-factor", "10", 0, kInt32Max, "How slowly a counter of use rises.")),
    Served<&Options::logfile>(String("logfile", "", "Where larder-server logs to; nothing: to standard output.",
                                     {.flags = kImmutable | kKeepEmpty})),
    Served<&Options::loglevel>(
        Enum("loglevel", "notice", kLogLevels, "The least important kind of line that is logged.")),
    Served<&Options::maxclients>(Int("maxclients", "10000", 1, kUint32Max, "The most clients that may be connected.")),
    Served<&Options::maxmemory>(Memory("maxmemory", "0", 0, kUint64Max,
                                       "The most memory this cache may use; at it, maxmemory-policy decides. 0: no "
                                       "limit.")),
    Served<&Options::maxmemory_clients>(
        Other("maxmemory-clients", Type::kPercentMemory, "0",
              "The most memory that the buffers of all clients may have together, in bytes or in percent of maxmemory; "
              "over it, the clients with the most are disconnected. 0: no limit.",
              {.unit = Unit::kBytes})),
    Served<&Options::maxmemory_policy>(
        Enum("maxmemory-policy", "noeviction", kPolicies,
             "Which keys give way at maxmemory: any (allkeys) or those with a time to live (volatile), by age of use "
             "(lru), frequency of use (lfu), chance (random) or what is left to live (ttl).")),
    Served<&Options::maxmemory_samples>(
        Int("maxmemory-samples", "5", 1, kInt32Max, "Keys that are compared to find one to evict.")),
    Served<&Options::notify_keyspace_events>(Other(
        "notify-keyspace-events", Type::kEvents, "",
        "Which changes of keys are published: K and E say in which channels, the other letters say of which classes.",
        {.flags = kKeepEmpty})),
    Served<&Options::pidfile>(String("pidfile", "", "A file for larder-server's process id.", {.flags = kImmutable})),
    Served<&Options::port>(Int("port", "6379", 0, kPortMax, "The TCP port to listen on; 0: none.")),
    Served<&Options::protected_mode>(
        Bool("protected-mode", "yes", "While no password is set, turn away clients of other machines, and say why.")),
    Served<&Options::proto_max_bulk_len>(
        Memory("proto-max-bulk-len", "536870912", 1048576, kInt64Max, "The longest argument that a request may have.")),
    Served<&Options::requirepass>(String("requirepass", "", "The password that clients must AUTH with.")),
    Served<&Options::set_max_intset_entries>(
        Int("set-max-intset-entries", "512", 0, kInt64Max,
            "Members up to which a set of integers is called an intset and answers in ascending order.")),
    Served<&Options::stream_node_max_bytes>(
        Memory("stream-node-max-bytes", "4096", 0, kInt64Max, "Bytes of a stream's node; 0: no limit.")),
    Served<&Options::stream_node_max_entries>(
        Int("stream-node-max-entries", "100", 0, kInt64Max, "Entries of a stream's node; 0: no limit.")),
    Served<&Options::supervised>(Enum("supervised", "no", kSupervisors,
                                      "The service manager that larder-server tells when it is ready.",
                                      {.flags = kImmutable})),
    Served<&Options::tcp_backlog>(Int("tcp-backlog", "511", 0, kInt32Max,
                                      "Connections that may wait to be accepted; the system may have a lower limit.",
                                      {.flags = kImmutable})),
    Served<&Options::tcp_keepalive>(Int("tcp-keepalive", "300", 0, kInt32Max,
                                        "How long a connection may be silent before the system probes it; 0: for ever.",
                                        {.unit = Unit::kSeconds})),
    Served<&Options::timeout>(Int("timeout", "0", 0, kInt32Max,
                                  "How long a client may be idle before it is disconnected; 0: for ever.",
                                  {.unit = Unit::kSeconds})),
    Served<&Options::tls_auth_clients>(
        Enum("tls-auth-clients", "yes", kTlsAuth,
             "Whether clients on tls-port must show a certificate, or may (optional), that is checked.")),
    Served<&Options::tls_ca_cert_dir>(
        String("tls-ca-cert-dir", "", "A directory of authorities' certificates, as `openssl rehash` names them.",
               {.flags = kReference})),
    Served<&Options::tls_ca_cert_file>(String("tls-ca-cert-file", "",
                                              "A PEM file of the authorities whose certificates clients may show.",
                                              {.flags = kReference})),
    Served<&Options::tls_cert_file>(
        String("tls-cert-file", "", "A PEM file of the server's certificate and those between it and its authority.",
               {.flags = kReference})),
    Served<&Options::tls_ciphers>(String("tls-ciphers", "", "Ciphers up to TLS 1.2, in OpenSSL's words.")),
    Served<&Options::tls_ciphersuites>(String("tls-ciphersuites", "", "Ciphers of TLS 1.3, in OpenSSL's words.")),
    Served<&Options::tls_dh_params_file>(String("tls-dh-params-file", "",
                                                "A PEM file of parameters for DHE key exchanges up to TLS 1.2.",
                                                {.flags = kReference})),
    Served<&Options::tls_key_file>(
        String("tls-key-file", "", "A PEM file of the key of the server's certificate.", {.flags = kReference})),
    Served<&Options::tls_key_file_pass>(String("tls-key-file-pass", "", "The password of that key.")),
    Served<&Options::tls_port>(Int("tls-port", "0", 0, kPortMax, "The TCP port for TLS; 0: none.")),
    Served<&Options::tls_prefer_server_ciphers>(
        Bool("tls-prefer-server-ciphers", "no", "The server's order of ciphers counts, not the client's.")),
    Served<&Options::tls_protocols>(
        String("tls-protocols", "", "Versions that may be used, as in \"TLSv1.2 TLSv1.3\"; nothing: these two.")),
    Served<&Options::tls_session_cache_size>(
        Int("tls-session-cache-size", "20480", 0, kInt32Max, "TLS sessions that are kept; 0: no limit.")),
    Served<&Options::tls_session_cache_timeout>(
        Int("tls-session-cache-timeout", "300", 0, kInt32Max, "How long they are kept.", {.unit = Unit::kSeconds})),
    Served<&Options::tls_session_caching>(
        Bool("tls-session-caching", "yes", "Keep TLS sessions, so that clients who come back connect faster.")),
    Served<&Options::unixsocket>(
        String("unixsocket", "", "The path of a unix socket to listen on.", {.flags = kImmutable})),
    [] {
      Directive row = Served<&Options::unixsocketperm>(
          Other("unixsocketperm", Type::kOctal, "0", "The unix socket's permissions; 0: what the umask leaves.",
                {.flags = kImmutable}));
      row.max = 0777;
      return row;
    }(),
    Served<&Options::zset_max_listpack_entries>(Int("zset-max-listpack-entries", "128", 0, kInt64Max,
                                                    "Members up to which a sorted set is called packed.",
                                                    {.alias = "zset-max-ziplist-entries"})),
    Served<&Options::zset_max_listpack_value>(Memory("zset-max-listpack-value", "64", 0, kInt64Max,
                                                     "Bytes of a member up to which a sorted set is.",
                                                     {.alias = "zset-max-ziplist-value"})),
};

}  // namespace

std::span<const Directive> ServedDirectives() { return kServed; }

}  // namespace larder::inline v0::directives
