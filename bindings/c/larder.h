/* Larder's C ABI: an in-process cache with Redis's data model and commands, for every language that can call C.
 *
 *   larder_error error;
 *   larder_cache *cache;
 *   if (larder_open(NULL, &cache, &error) != LARDER_OK) return puts(error.message), 1;
 *
 *   if (larder_set(cache, 0, "user:1", 6, "Ada", 3, 300000, 0, NULL, &error) != LARDER_OK) puts(error.message);
 *   larder_bytes *name;
 *   if (larder_get(cache, 0, "user:1", 6, &name, &error) == LARDER_OK && name != NULL) {
 *     size_t length;
 *     const char *bytes = larder_bytes_data(name, &length);
 *     printf("%.*s\n", (int)length, bytes);
 *     larder_bytes_free(name);
 *   }
 *
 *   const char *argv[] = {"GETRANGE", "user:1", "0", "1"};
 *   larder_reply *reply;
 *   if (larder_execute(cache, 0, 4, argv, NULL, &reply, &error) == LARDER_OK) {
 *     if (larder_type(larder_root(reply)) == LARDER_TYPE_ERROR) puts("refused");
 *     larder_reply_free(reply);
 *   }
 *   larder_free(cache);
 *
 * Errors.   A function that can fail returns a larder_status; LARDER_OK is 0. `error` may be NULL. Otherwise, after a
 *   failure, it holds the same status and a message in English, which quotes neither keys nor values and is cut at its
 *   end if it is too long. After a failure out parameters are NULL or 0 and nothing has changed. The exception is
 *   LARDER_DATA_LOSS: the call was done and only its result is lost. An error REPLY (wrong type, syntax...) is not a
 *   failure: the call returns LARDER_OK and a reply of LARDER_TYPE_ERROR. A NULL for an object or a function that is
 *   needed is LARDER_INVALID_ARGUMENT; where nothing can be reported, a NULL does nothing, or is a nil.
 * Memory.   An object that a function returns in a `T **` is yours; give it back with the free function named after T,
 *   which takes NULL as well. A `T **` for a result that you do not want may be NULL, if its comment says so. Bytes and
 *   values inside a reply or connection belong to it, and last as long as their comments say. All arguments are only
 *   read during the call. Bytes are (pointer, length) and may hold any byte; if lengths may be NULL, the strings then
 *   end with a NUL. Nothing needs to be allocated or freed with malloc across this border.
 * Threads.  A larder_cache may be used from any thread. A session, connection or options object may be used from one
 *   thread at a time. A reply is immutable, and many threads may read it.
 * Order.    Free listeners, sessions and connections before their cache. A cache may not be used after larder_free.
 * Exceptions. None comes out of these functions, and none may come out of your callbacks.
 * Fork.     In a forked child every call fails with LARDER_FAILED_PRECONDITION, larder_close too. Objects that are
 *   freed there are leaked and end nothing of the parent's. A child that lives on must free its listener, which closes
 *   the child's copies of the sockets: until then a connection that the parent closes does not end for its client.
 * ABI.      Structs here are opaque, passed by pointer, or fixed (larder_error, larder_value). From version 1.0 on
 *   functions and enumerators are added and never changed, within a major version. Until then a new 0.x may change
 *   them. larder_version tells what is linked, LARDER_ABI what was compiled. If the two are not built together, check
 *   that `larder_abi() == LARDER_ABI`.
 */
#ifndef LARDER_BINDINGS_C_LARDER_H_
#define LARDER_BINDINGS_C_LARDER_H_

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define LARDER_C_API __attribute__((visibility("default")))
#else
#define LARDER_C_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* --- Errors ----------------------------------------------------------------------------------------------------- */

typedef enum larder_status {
  LARDER_OK = 0,
  LARDER_CANCELLED = 1,            /* the cache is closed */
  LARDER_UNKNOWN = 2,
  LARDER_INVALID_ARGUMENT = 3,     /* the message says which */
  LARDER_DEADLINE_EXCEEDED = 4,
  LARDER_NOT_FOUND = 5,
  LARDER_ALREADY_EXISTS = 6,       /* an address in use */
  LARDER_PERMISSION_DENIED = 7,
  LARDER_RESOURCE_EXHAUSTED = 8,   /* no memory, no descriptors, no room in a queue */
  LARDER_FAILED_PRECONDITION = 9,  /* another type is at the key; not in this state, or from here */
  LARDER_ABORTED = 10,
  LARDER_OUT_OF_RANGE = 11,        /* a number would overflow, there is no such database */
  LARDER_UNIMPLEMENTED = 12,
  LARDER_INTERNAL = 13,
  LARDER_UNAVAILABLE = 14,
  LARDER_DATA_LOSS = 15,           /* it was done, but there is no memory for its result */
  LARDER_UNAUTHENTICATED = 16
} larder_status;

typedef struct larder_error {
  larder_status status;
  char message[508]; /* ends with a NUL */
} larder_error;

/* This number grows with any change of what was here before. */
#define LARDER_ABI 2
LARDER_C_API int larder_abi(void);

/* "0.1.0". Static. */
LARDER_C_API const char *larder_version(void);

/* --- Options ---------------------------------------------------------------------------------------------------- */

typedef struct larder_options larder_options;

typedef enum larder_background {
  LARDER_BACKGROUND_THREAD = 0, /* a thread of the cache's own, made when there is first something to do */
  LARDER_BACKGROUND_LOOP = 1,   /* the listener's loop */
  LARDER_BACKGROUND_TICK = 2    /* larder_tick, called by you */
} larder_background;

/* Every default is Redis 7.0's, but that of bind: this machine alone, 127.0.0.1 and ::1. */
LARDER_C_API larder_status larder_options_new(larder_options **options, larder_error *error);
LARDER_C_API void larder_options_free(larder_options *options);

/* Applies lines as in redis.conf, "maxmemory 100mb\nmaxmemory-policy allkeys-random\n": all or none of them. */
LARDER_C_API larder_status larder_options_text(larder_options *options, const char *text, size_t length,
                                               larder_error *error);
/* Applies arguments as redis-server takes them: "--maxmemory", "100mb", or a file's name first. All or none of them. */
LARDER_C_API larder_status larder_options_arguments(larder_options *options, size_t argc, const char *const *argv,
                                                    larder_error *error);
LARDER_C_API larder_status larder_options_background(larder_options *options, larder_background background,
                                                     larder_error *error);
/* Feeds the hash and every random choice; 0, the default: taken from the system. */
LARDER_C_API void larder_options_seed(larder_options *options, uint64_t seed);

typedef enum larder_log_level {
  LARDER_LOG_DEBUG = 0,
  LARDER_LOG_VERBOSE = 1,
  LARDER_LOG_NOTICE = 2,
  LARDER_LOG_WARNING = 3
} larder_log_level;

/* Gets every log line, without a newline and without a NUL. It is called on any thread, several at once, and must not
 * call the cache. NULL, the default: lines are dropped. */
typedef void (*larder_log_fn)(void *arg, larder_log_level level, const char *line, size_t length);
LARDER_C_API void larder_options_log(larder_options *options, larder_log_fn log, void *arg);

/* It is called when a client sends SHUTDOWN, on any thread and while the command runs, so it must not call the cache.
 * Return 0 and close the cache soon, or return anything else to refuse. NULL, the default: SHUTDOWN is refused. */
typedef int (*larder_shutdown_fn)(void *arg);
LARDER_C_API void larder_options_on_shutdown(larder_options *options, larder_shutdown_fn on_shutdown, void *arg);

/* The cache's time, in microseconds since 1970, for expiry and for every deadline. It is called from any thread,
 * several at once, and also while a command runs, so it must neither call the cache nor wait. The machine's clock
 * measures how long a wait takes; after the wait this is asked again. NULL, the default: the machine's clock. */
typedef int64_t (*larder_now_fn)(void *arg);
LARDER_C_API larder_status larder_options_clock(larder_options *options, larder_now_fn now_us, void *arg,
                                                larder_error *error);

/* A clock for tests, which stands still until it is set. To set it wakes every wait whose time has come. Any thread may
 * use it. It may be freed while caches still have it. */
typedef struct larder_manual_clock larder_manual_clock;
LARDER_C_API larder_status larder_manual_clock_new(int64_t now_us, larder_manual_clock **clock, larder_error *error);
LARDER_C_API void larder_manual_clock_set(larder_manual_clock *clock, int64_t now_us);
LARDER_C_API void larder_manual_clock_free(larder_manual_clock *clock);
/* NULL: the machine's clock. */
LARDER_C_API void larder_options_manual_clock(larder_options *options, const larder_manual_clock *clock);

/* The source of memory for keys and values. `allocate` returns `bytes` bytes (whole pages of 4 KB) at a multiple of
 * `alignment` (a power of two from 4 KB to 4 MB), or NULL: the call that needed it then fails with
 * LARDER_RESOURCE_EXHAUSTED. `release` gives all of that back. `discard`, which may be NULL, tells that the contents of
 * these pages do not matter any more; they stay the cache's. All are called from any thread, several at once, and also
 * while a command runs, so they must not call the cache. The last call of `release` comes before larder_free returns.
 * allocate NULL, the default: the system's memory. */
typedef void *(*larder_allocate_fn)(void *arg, size_t bytes, size_t alignment);
typedef void (*larder_release_fn)(void *arg, void *memory, size_t bytes, size_t alignment);
typedef void (*larder_discard_fn)(void *arg, void *memory, size_t bytes);
LARDER_C_API larder_status larder_options_memory(larder_options *options, larder_allocate_fn allocate,
                                                 larder_release_fn release, larder_discard_fn discard, void *arg,
                                                 larder_error *error);

/* --- Cache ------------------------------------------------------------------------------------------------------ */

typedef struct larder_cache larder_cache;

/* `options` may be NULL, and may be freed after the call. */
LARDER_C_API larder_status larder_open(const larder_options *options, larder_cache **cache, larder_error *error);

/* Stops listeners, refuses every later call and waits at most timeout_ms of the cache's clock (-1: as long as it takes)
 * for running calls. LARDER_DEADLINE_EXCEEDED: a call runs longer; the cache is closed for all others, and larder_close
 * may be called again. */
LARDER_C_API larder_status larder_close(larder_cache *cache, int64_t timeout_ms, larder_error *error);

/* Closes the cache if it is open, and gives its memory back. */
LARDER_C_API void larder_free(larder_cache *cache);

/* Does background work for at most budget_ms, with LARDER_BACKGROUND_TICK; call it some 10 times a second. *next_ms
 * (may be NULL): the time from now when it would like to be called again; -1: not by itself. */
LARDER_C_API larder_status larder_tick(larder_cache *cache, int64_t budget_ms, int64_t *next_ms, larder_error *error);

/* --- Typed calls: the quickest way to a string, in database `db` ------------------------------------------------- */

/* As a time to live in milliseconds, in and out: the key has no expiry. */
#define LARDER_NO_EXPIRY INT64_MAX

typedef struct larder_bytes larder_bytes;
/* The bytes last until larder_bytes_free, and do not end with a NUL. `length` may be NULL. */
LARDER_C_API const char *larder_bytes_data(const larder_bytes *bytes, size_t *length);
LARDER_C_API void larder_bytes_free(larder_bytes *bytes);

/* GET. *value: the string, NULL if there is no such key. */
LARDER_C_API larder_status larder_get(larder_cache *cache, int db, const char *key, size_t key_length,
                                      larder_bytes **value, larder_error *error);
/* The same into your memory: as much of the string as fits into `size` bytes. *length is that of the whole string;
 * *found (may be NULL): whether there is such a key. */
LARDER_C_API larder_status larder_get_into(larder_cache *cache, int db, const char *key, size_t key_length,
                                           char *buffer, size_t size, size_t *length, int *found, larder_error *error);

enum {
  LARDER_SET_IF_MISSING = 1, /* NX */
  LARDER_SET_IF_PRESENT = 2, /* XX */
  LARDER_SET_KEEP_TTL = 4    /* KEEPTTL, with LARDER_NO_EXPIRY */
};
/* SET. ttl_ms: at least 1, or LARDER_NO_EXPIRY. flags: 0, or some of the above. *done (may be NULL): whether the
 * condition allowed it. */
LARDER_C_API larder_status larder_set(larder_cache *cache, int db, const char *key, size_t key_length,
                                      const char *value, size_t value_length, int64_t ttl_ms, unsigned flags,
                                      int *done, larder_error *error);

/* DEL. *existed (may be NULL): whether there was such a key. */
LARDER_C_API larder_status larder_delete(larder_cache *cache, int db, const char *key, size_t key_length, int *existed,
                                         larder_error *error);

/* INCRBY. *value (may be NULL): the new value. A missing key counts as 0. */
LARDER_C_API larder_status larder_increment(larder_cache *cache, int db, const char *key, size_t key_length,
                                            int64_t by, int64_t *value, larder_error *error);

/* PEXPIRE, or PERSIST with LARDER_NO_EXPIRY. A ttl of 0 or less deletes the key. *existed (may be NULL): whether there
 * is such a key. */
LARDER_C_API larder_status larder_expire(larder_cache *cache, int db, const char *key, size_t key_length,
                                         int64_t ttl_ms, int *existed, larder_error *error);
/* PTTL. *ttl_ms: LARDER_NO_EXPIRY if the key has none, 0 if there is no such key. *existed (may be NULL): whether there
 * is such a key. */
LARDER_C_API larder_status larder_ttl(larder_cache *cache, int db, const char *key, size_t key_length, int64_t *ttl_ms,
                                      int *existed, larder_error *error);

/* MGET: `count` strings. values[i] is NULL if there is no string at that key; each is yours. */
LARDER_C_API larder_status larder_mget(larder_cache *cache, int db, size_t count, const char *const *keys,
                                       const size_t *key_lengths, larder_bytes **values, larder_error *error);
/* MSET: all or none. */
LARDER_C_API larder_status larder_mset(larder_cache *cache, int db, size_t count, const char *const *keys,
                                       const size_t *key_lengths, const char *const *values,
                                       const size_t *value_lengths, larder_error *error);

/* The string at a key. If there is none, stores what `load` gives, with ttl_ms (as for larder_set), and returns that.
 * Callers that miss the same key together call one loader, the first caller's, on its thread; the others wait for it.
 * The loader may call the cache, but if it asks get-or-load for the key that it loads, that is
 * LARDER_FAILED_PRECONDITION.
 * The loader calls larder_loaded_set once, which copies the bytes, and returns LARDER_OK. Or it returns another status,
 * which all callers get, with the message that it may write to error->message. */
typedef struct larder_loaded larder_loaded;
LARDER_C_API larder_status larder_loaded_set(larder_loaded *loaded, const char *value, size_t value_length);
typedef larder_status (*larder_load_fn)(void *arg, larder_loaded *loaded, larder_error *error);
LARDER_C_API larder_status larder_get_or_load(larder_cache *cache, int db, const char *key, size_t key_length,
                                              int64_t ttl_ms, larder_load_fn load, void *arg, larder_bytes **value,
                                              larder_error *error);

/* --- Commands --------------------------------------------------------------------------------------------------- */

typedef struct larder_reply larder_reply;

/* Runs one command in database `db`, as a client that exists for it alone. If `lengths` is NULL, the arguments end with
 * a NUL; if `reply` is NULL, the reply is thrown away. Commands that only mean something in a session (MULTI,
 * SELECT...) answer an error reply: use a session. A command that waits (BLPOP, XREAD BLOCK...) makes the calling thread
 * wait, at most for the timeout that it has; with larder_execute_async no thread waits. */
LARDER_C_API larder_status larder_execute(larder_cache *cache, int db, size_t argc, const char *const *argv,
                                          const size_t *lengths, larder_reply **reply, larder_error *error);

/* Several commands with one call, one after the other; others may run between them. Command i has argcs[i] arguments,
 * which follow those of command i - 1 in `argv` and `lengths` (NULL: they end with a NUL). replies[i] is yours, and NULL
 * if that command has failed, as larder_execute would have: then the commands behind it have not run, and the call fails
 * likewise. `replies` may be NULL. */
LARDER_C_API larder_status larder_execute_batch(larder_cache *cache, int db, size_t count, const size_t *argcs,
                                                const char *const *argv, const size_t *lengths,
                                                larder_reply **replies, larder_error *error);

/* The same, but `done` gets the reply, once, on the thread that does the background work. `reply` is yours then. It is
 * NULL if the command has not run, because the cache was closed first, or if its reply is lost. Only then `error` is
 * not NULL, and says so; it lasts for the call. larder_execute_async never waits: a short command that finds the cache
 * free runs at once, the others wait in a queue, and run in the order of the calls.
 * If larder_execute_async itself fails, `done` is not called. LARDER_RESOURCE_EXHAUSTED: also if, together with the
 * commands and replies whose `done` has not returned yet, it would take more memory than the directive async-bytes-max
 * allows (64 MB; larder_options_text and CONFIG SET change it). A command that has to wait counts with all of its
 * argv. */
typedef void (*larder_done_fn)(void *arg, larder_reply *reply, const larder_error *error);
LARDER_C_API larder_status larder_execute_async(larder_cache *cache, int db, size_t argc, const char *const *argv,
                                                const size_t *lengths, larder_done_fn done, void *arg,
                                                larder_error *error);

/* A client for more than one command: SELECT, MULTI, WATCH... Its replies have RESP3's types; HELLO 2 gives it RESP2's.
 * `reply` may be NULL. */
typedef struct larder_session larder_session;
LARDER_C_API larder_status larder_session_new(larder_cache *cache, larder_session **session, larder_error *error);
LARDER_C_API larder_status larder_session_execute(larder_session *session, size_t argc, const char *const *argv,
                                                  const size_t *lengths, larder_reply **reply, larder_error *error);
LARDER_C_API void larder_session_free(larder_session *session);

/* --- Replies ---------------------------------------------------------------------------------------------------- */

typedef enum larder_reply_type {
  LARDER_TYPE_NIL = 0,
  LARDER_TYPE_STRING = 1,
  LARDER_TYPE_STATUS = 2, /* "OK" */
  LARDER_TYPE_ERROR = 3,
  LARDER_TYPE_INTEGER = 4,
  LARDER_TYPE_DOUBLE = 5,
  LARDER_TYPE_BOOLEAN = 6,
  LARDER_TYPE_BIG_NUMBER = 7,
  LARDER_TYPE_VERBATIM = 8,
  LARDER_TYPE_ARRAY = 9,
  LARDER_TYPE_MAP = 10, /* elements are key, value, key, value... */
  LARDER_TYPE_SET = 11,
  LARDER_TYPE_PUSH = 12
} larder_reply_type;

/* One node of a reply: a handle, valid as long as its reply. */
typedef struct larder_value {
  const void *node;
} larder_value;

/* A nil for NULL. */
LARDER_C_API larder_value larder_root(const larder_reply *reply);
LARDER_C_API void larder_reply_free(larder_reply *reply);

LARDER_C_API larder_reply_type larder_type(larder_value value);
/* The text of a string, status, error, big number or verbatim; "" for others. It does not end with a NUL. `length` may
 * be NULL. */
LARDER_C_API const char *larder_string(larder_value value, size_t *length);
/* An integer's value, a boolean's as 1 or 0, a string's if its text is an integer; else 0. */
LARDER_C_API int64_t larder_integer(larder_value value);
/* A double's or integer's value, a string's if its text is a number; else 0. */
LARDER_C_API double larder_double(larder_value value);
/* The number of elements of an aggregate (two for each pair of a map); 0 for others. */
LARDER_C_API size_t larder_size(larder_value value);
/* Element i; a nil if there is none. */
LARDER_C_API larder_value larder_element(larder_value value, size_t i);
/* --- RESP connections: bytes in, bytes out, no socket ----------------------------------------------------------- */

typedef struct larder_connection larder_connection;

LARDER_C_API larder_status larder_connection_new(larder_cache *cache, larder_connection **connection,
                                                 larder_error *error);
LARDER_C_API void larder_connection_free(larder_connection *connection);
/* Takes bytes, cut anywhere, and runs every complete request. */
LARDER_C_API larder_status larder_connection_feed(larder_connection *connection, const char *bytes, size_t length,
                                                  larder_error *error);
/* The replies that are not consumed yet; valid until the next call with this connection. */
LARDER_C_API const char *larder_connection_output(larder_connection *connection, size_t *length);
/* n: at most the length that larder_connection_output gave. */
LARDER_C_API void larder_connection_consume(larder_connection *connection, size_t n);
/* Calls on_output(arg) when there is output that no call of yours has caused: the reply of a command that has waited, a
 * message, MONITOR's line; also when the connection was closed. It runs on the thread that does the background work;
 * since one thread at a time may use a connection, it will mostly tell that thread to ask for the output. It may be
 * called once too often. NULL, the default: nobody is told. larder_connection_free waits until it has returned, unless
 * that is called from inside it. */
typedef void (*larder_output_fn)(void *arg);
LARDER_C_API larder_status larder_connection_on_output(larder_connection *connection, larder_output_fn on_output,
                                                       void *arg, larder_error *error);
/* Not 0: the client was closed (QUIT, a protocol error, CLIENT KILL); send the output, then hang up. */
LARDER_C_API int larder_connection_closed(const larder_connection *connection);

/* --- Messages and events as callbacks ----------------------------------------------------------------------------
 *
 * Callbacks run one at a time on the thread that does the background work (in larder_close and larder_free, on the
 * closing thread), those of one handle in the order in which things happened, and may call the cache. The first may run
 * before the call that makes the handle has returned. Whoever publishes or writes never waits for them: what is not
 * delivered yet is kept up to bytes_max, and beyond that dropped. All pointers that a callback is given last for the
 * call. */

typedef void (*larder_dropped_fn)(void *arg, uint64_t count);

/* May be NULL where it is asked for, and may end after the call. All of it 0: the defaults. */
typedef struct larder_callback_options {
  size_t bytes_max;          /* 0: 32 MB */
  int close_on_overflow;     /* 0: what comes is dropped until there is room again. Else: nothing more comes then */
  larder_dropped_fn dropped; /* told how many were dropped, before the next callback; may be NULL. arg: the callback's */
} larder_callback_options;

typedef enum larder_channel_kind {
  LARDER_CHANNEL = 0,       /* SUBSCRIBE */
  LARDER_PATTERN = 1,       /* PSUBSCRIBE */
  LARDER_SHARD_CHANNEL = 2  /* SSUBSCRIBE */
} larder_channel_kind;

typedef struct larder_message {
  larder_channel_kind kind; /* what the receiver is subscribed to */
  const char *channel;
  size_t channel_length;
  const char *pattern; /* of LARDER_PATTERN; else of length 0 */
  size_t pattern_length;
  const char *payload;
  size_t payload_length;
} larder_message;
typedef void (*larder_message_fn)(void *arg, const larder_message *message);

/* PUBLISH, or SPUBLISH for LARDER_SHARD_CHANNEL. *receivers (may be NULL): how often it was sent. */
LARDER_C_API larder_status larder_publish(larder_cache *cache, larder_channel_kind kind, const char *channel,
                                          size_t channel_length, const char *payload, size_t payload_length,
                                          int64_t *receivers, larder_error *error);

/* A subscriber without channels as yet. One thread at a time; its callback may use it too, also to free it. */
typedef struct larder_subscription larder_subscription;
LARDER_C_API larder_status larder_subscription_new(larder_cache *cache, larder_message_fn callback, void *arg,
                                                   const larder_callback_options *options,
                                                   larder_subscription **subscription, larder_error *error);
/* All of them or, after a failure, none. If `lengths` is NULL, the names end with a NUL. */
LARDER_C_API larder_status larder_subscription_add(larder_subscription *subscription, larder_channel_kind kind,
                                                   size_t count, const char *const *names, const size_t *lengths,
                                                   larder_error *error);
LARDER_C_API larder_status larder_subscription_remove(larder_subscription *subscription, larder_channel_kind kind,
                                                      size_t count, const char *const *names, const size_t *lengths,
                                                      larder_error *error);
/* Whether it has overflown with close_on_overflow; how many messages were dropped. */
LARDER_C_API int larder_subscription_closed(const larder_subscription *subscription);
LARDER_C_API uint64_t larder_subscription_dropped(const larder_subscription *subscription);
/* No callback begins after this, and one that is running has returned, unless this is called from inside a callback. */
LARDER_C_API void larder_subscription_free(larder_subscription *subscription);

/* Classes of events, with their letters in the directive notify-keyspace-events. */
enum {
  LARDER_EVENT_GENERIC = 1,        /* g */
  LARDER_EVENT_STRING = 2,         /* $ */
  LARDER_EVENT_LIST = 4,           /* l */
  LARDER_EVENT_SET = 8,            /* s */
  LARDER_EVENT_HASH = 16,          /* h */
  LARDER_EVENT_SORTED_SET = 32,    /* z */
  LARDER_EVENT_STREAM = 64,        /* t */
  LARDER_EVENT_EXPIRED = 128,      /* x */
  LARDER_EVENT_EVICTED = 256,      /* e */
  LARDER_EVENT_NEW = 512,          /* n */
  LARDER_EVENT_MISS = 1024,        /* m */
  LARDER_EVENT_DATABASE = 2048,    /* no letter: "flushdb" and "swapdb" */
  LARDER_EVENT_CHANGES = 0xbff     /* all but LARDER_EVENT_MISS */
};

typedef enum larder_event_reason {
  LARDER_REASON_WRITTEN = 0,
  LARDER_REASON_DELETED = 1, /* by a command, by losing its last element, or to another name or database */
  LARDER_REASON_EXPIRED = 2,
  LARDER_REASON_EVICTED = 3,
  LARDER_REASON_FLUSHED = 4,
  LARDER_REASON_SWAPPED = 5,
  LARDER_REASON_MISSED = 6
} larder_event_reason;

typedef enum larder_key_type {
  LARDER_KEY_STRING = 0,
  LARDER_KEY_LIST = 1,
  LARDER_KEY_SET = 2,
  LARDER_KEY_SORTED_SET = 3,
  LARDER_KEY_HASH = 4,
  LARDER_KEY_STREAM = 5
} larder_key_type;

typedef struct larder_old_value larder_old_value;

typedef struct larder_event {
  unsigned event_class; /* one */
  larder_event_reason reason;
  int db;
  int other_db; /* the other one that was swapped */
  const char *name; /* as Redis names it: "set", "del"... */
  size_t name_length;
  const char *key; /* of length 0 for LARDER_EVENT_DATABASE */
  size_t key_length;
  const larder_old_value *old_value; /* NULL: there was none, or nobody has asked for it */
} larder_event;
typedef void (*larder_event_fn)(void *arg, const larder_event *event);

/* Calls `callback` for each event of these classes. match: a glob for the keys; NULL: all. old_values: not 0 if events
 * are to have the value of before. `dropped` gets `arg` too. */
typedef struct larder_event_subscription larder_event_subscription;
LARDER_C_API larder_status larder_on_event(larder_cache *cache, unsigned classes, const char *match,
                                           size_t match_length, int old_values, larder_event_fn callback, void *arg,
                                           const larder_callback_options *options,
                                           larder_event_subscription **subscription, larder_error *error);
LARDER_C_API int larder_event_subscription_closed(const larder_event_subscription *subscription);
LARDER_C_API uint64_t larder_event_subscription_dropped(const larder_event_subscription *subscription);
/* As larder_subscription_free. */
LARDER_C_API void larder_event_subscription_free(larder_event_subscription *subscription);

LARDER_C_API larder_key_type larder_old_type(const larder_old_value *old);
/* A string's bytes; of length 0 for other types. `length` may be NULL. */
LARDER_C_API const char *larder_old_string(const larder_old_value *old, size_t *length);
/* The length of a string; how many elements, members, fields or entries. */
LARDER_C_API size_t larder_old_size(const larder_old_value *old);

typedef struct larder_old_element {
  const char *text; /* an element, a member, a field */
  size_t text_length;
  const char *value; /* a field's; else of length 0 */
  size_t value_length;
  double score; /* of a sorted set's member */
  uint64_t ms, sequence; /* the id of a stream's entry */
} larder_old_element;
/* Calls `visit` with each element of a collection, and with each field of each entry of a stream, until it returns
 * other than 0. LARDER_FAILED_PRECONDITION for a string. */
typedef int (*larder_old_element_fn)(void *arg, const larder_old_element *element);
LARDER_C_API larder_status larder_old_elements(const larder_old_value *old, larder_old_element_fn visit, void *arg,
                                               larder_error *error);

/* --- The listener ----------------------------------------------------------------------------------------------- */

typedef struct larder_listener larder_listener;

/* What the host forbids the clients of a listener. It binds neither the program's own calls nor another listener's
 * clients. The strings end with a NUL and are copied; each call replaces what an earlier one has set. */
typedef struct larder_listener_options larder_listener_options;
LARDER_C_API larder_status larder_listener_options_new(larder_listener_options **options, larder_error *error);
LARDER_C_API void larder_listener_options_free(larder_listener_options *options);
/* Not 0: commands that write, or may write, answer READONLY, also when MULTI would only queue them. Default: 0. */
LARDER_C_API void larder_listener_options_read_only(larder_listener_options *options, int read_only);
/* Commands that answer NOPERM: "flushall", or "config|set" for one subcommand; "config" means all its subcommands.
 * Default: none. */
LARDER_C_API larder_status larder_listener_options_refused_commands(larder_listener_options *options, size_t count,
                                                                    const char *const *commands, larder_error *error);
/* Directives, or globs of them, that clients may read but not CONFIG SET, which answers as for an immutable directive.
 * Default: maxmemory, bind, port, unixsocket, protected-mode, requirepass, maxclients, dir, "tls-*". count 0: none. */
LARDER_C_API larder_status larder_listener_options_host_keeps(larder_listener_options *options, size_t count,
                                                              const char *const *directives, larder_error *error);

/* Listens where the cache's options say (port, bind, unixsocket), with a thread of its own. port: -1 as in the options,
 * 0 a free one that the system chooses (larder_listener_port tells it), else that one. `options` may be NULL, and may
 * be freed after the call. If it names a command or directive that does not exist, this is LARDER_INVALID_ARGUMENT. */
LARDER_C_API larder_status larder_listener_start(larder_cache *cache, int port, const larder_listener_options *options,
                                                 larder_listener **listener, larder_error *error);
LARDER_C_API int larder_listener_port(const larder_listener *listener);
/* Closes its sockets and connections, waits for its thread, and frees it. Free a listener without a thread on the
 * loop's thread, after the loop has let go of larder_listener_backend_fd. */
LARDER_C_API void larder_listener_free(larder_listener *listener);

/* The same without a thread: it runs inside your program's loop (asyncio, libuv, Java NIO...), on that loop's thread,
 * which alone calls the three functions below. Between their calls nothing is served. The loop watches
 * larder_listener_backend_fd(listener) for reading, and calls larder_listener_poll(listener, 0) whenever it is
 * readable. If the poller has no descriptor (-1: "ae-api select"), the loop calls larder_listener_poll(listener, 0) by
 * a timer: as often as a client may be kept waiting (10 ms, say), sooner if larder_listener_next_delay_ms is, and at
 * once again while it returns more than 0.
 * With LARDER_BACKGROUND_LOOP these polls also do the cache's background work (expiry, larder_execute_async's `done`),
 * and the cache has no thread at all. */
LARDER_C_API larder_status larder_listener_start_in_loop(larder_cache *cache, int port,
                                                         const larder_listener_options *options,
                                                         larder_listener **listener, larder_error *error);
/* A descriptor that is readable, level-triggered, while larder_listener_poll has something to do, timers included; -1:
 * the poller has none. It is the listener's own: watch it, do not read or close it. */
LARDER_C_API int larder_listener_backend_fd(larder_listener *listener);
/* Serves ready clients, and does not wait if timeout_ms is 0; else it waits that long at most (-1: until something
 * happens). Returns how many events there were. */
LARDER_C_API int larder_listener_poll(larder_listener *listener, int64_t timeout_ms);
/* The time until its next timer is due. 0: poll now; -1: it has no timer. Requests of clients may come before that,
 * unannounced. */
LARDER_C_API int64_t larder_listener_next_delay_ms(larder_listener *listener);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* LARDER_BINDINGS_C_LARDER_H_ */
