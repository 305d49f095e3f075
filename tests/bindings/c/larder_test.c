/* The C ABI as a C program uses it. No framework: EXPECT counts, main's result tells. */
#define _POSIX_C_SOURCE 200809L
#include <larder/c/larder.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int failures = 0;
static int expectations = 0;

#define EXPECT(condition)                                                      \
  do {                                                                         \
    ++expectations;                                                            \
    if (!(condition)) {                                                        \
      ++failures;                                                              \
      printf("%s:%d: expected %s\n", __FILE__, __LINE__, #condition);          \
    }                                                                          \
  } while (0)

static int text_is(larder_value value, const char *expected) {
  size_t length;
  const char *text = larder_string(value, &length);
  return length == strlen(expected) && memcmp(text, expected, length) == 0;
}

static larder_cache *open_with(const char *text) {
  larder_options *options;
  larder_cache *cache = NULL;
  larder_error error;
  EXPECT(larder_options_new(&options, NULL) == LARDER_OK);
  EXPECT(larder_options_background(options, LARDER_BACKGROUND_TICK, NULL) == LARDER_OK);
  larder_options_seed(options, 7);
  EXPECT(larder_options_text(options, text, strlen(text), &error) == LARDER_OK);
  EXPECT(larder_open(options, &cache, &error) == LARDER_OK);
  larder_options_free(options);
  return cache;
}

static void executes_commands_and_walks_replies(void) {
  larder_cache *cache = open_with("");
  larder_reply *reply;
  larder_error error;
  const char *set[] = {"SET", "k", "v\0w"};
  const size_t set_lengths[] = {3, 1, 3};
  EXPECT(larder_execute(cache, 0, 3, set, set_lengths, &reply, &error) == LARDER_OK);
  EXPECT(larder_type(larder_root(reply)) == LARDER_TYPE_STATUS);
  EXPECT(text_is(larder_root(reply), "OK"));
  larder_reply_free(reply);

  const char *mget[] = {"MGET", "k", "missing"};
  EXPECT(larder_execute(cache, 0, 3, mget, NULL, &reply, &error) == LARDER_OK);
  EXPECT(larder_type(larder_root(reply)) == LARDER_TYPE_ARRAY);
  EXPECT(larder_size(larder_root(reply)) == 2);
  size_t length;
  const char *text = larder_string(larder_element(larder_root(reply), 0), &length);
  EXPECT(length == 3 && memcmp(text, "v\0w", 3) == 0);
  EXPECT(larder_type(larder_element(larder_root(reply), 1)) == LARDER_TYPE_NIL);
  EXPECT(larder_type(larder_element(larder_root(reply), 2)) == LARDER_TYPE_NIL);
  larder_reply_free(reply);

  const char *incr[] = {"INCRBY", "n", "42"};
  EXPECT(larder_execute(cache, 3, 3, incr, NULL, &reply, &error) == LARDER_OK);
  EXPECT(larder_integer(larder_root(reply)) == 42);
  EXPECT(larder_double(larder_root(reply)) == 42.0);
  larder_reply_free(reply);
  larder_free(cache);
}

static void tells_errors_from_error_replies(void) {
  larder_cache *cache = open_with("");
  larder_reply *reply;
  larder_error error;
  const char *wrong[] = {"GET"};
  EXPECT(larder_execute(cache, 0, 1, wrong, NULL, &reply, &error) == LARDER_OK);
  EXPECT(larder_type(larder_root(reply)) == LARDER_TYPE_ERROR);
  EXPECT(text_is(larder_root(reply), "ERR wrong number of arguments for 'get' command"));
  larder_reply_free(reply);

  EXPECT(larder_execute(cache, 16, 1, wrong, NULL, &reply, &error) == LARDER_OUT_OF_RANGE);
  EXPECT(reply == NULL);
  EXPECT(error.status == LARDER_OUT_OF_RANGE && strlen(error.message) > 0);
  EXPECT(larder_execute(cache, 0, 0, NULL, NULL, &reply, NULL) == LARDER_INVALID_ARGUMENT);

  larder_options *options;
  EXPECT(larder_options_new(&options, NULL) == LARDER_OK);
  const char bad[] = "port 1\nmaxmemry 1gb\n";
  EXPECT(larder_options_text(options, bad, strlen(bad), &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(strstr(error.message, "maxmemry") != NULL && strstr(error.message, "2") != NULL);
  larder_options_free(options);

  EXPECT(larder_close(cache, -1, &error) == LARDER_OK);
  const char *ping[] = {"PING"};
  EXPECT(larder_execute(cache, 0, 1, ping, NULL, &reply, &error) == LARDER_CANCELLED);
  larder_free(cache);
}

static void sessions_last(void) {
  larder_cache *cache = open_with("requirepass secret\n");
  larder_session *session;
  larder_reply *reply;
  EXPECT(larder_session_new(cache, &session, NULL) == LARDER_OK);
  const char *select[] = {"SELECT", "2"}, *set[] = {"SET", "k", "in two"}, *get[] = {"GET", "k"};
  EXPECT(larder_session_execute(session, 2, select, NULL, &reply, NULL) == LARDER_OK);
  larder_reply_free(reply);
  EXPECT(larder_session_execute(session, 3, set, NULL, &reply, NULL) == LARDER_OK);
  larder_reply_free(reply);
  EXPECT(larder_execute(cache, 2, 2, get, NULL, &reply, NULL) == LARDER_OK);
  EXPECT(text_is(larder_root(reply), "in two"));
  larder_reply_free(reply);
  larder_session_free(session);
  larder_free(cache);
}

static void connections_speak_resp(void) {
  larder_cache *cache = open_with("requirepass secret\n");
  larder_connection *connection;
  size_t length;
  const char *request = "*1\r\n$4\r\nPING\r\nAUTH secret\r\nPING\r\n";
  EXPECT(larder_connection_new(cache, &connection, NULL) == LARDER_OK);
  for (size_t i = 0; i < strlen(request); ++i) {
    EXPECT(larder_connection_feed(connection, request + i, 1, NULL) == LARDER_OK);
  }
  const char *expected = "-NOAUTH Authentication required.\r\n+OK\r\n+PONG\r\n";
  const char *output = larder_connection_output(connection, &length);
  EXPECT(length == strlen(expected) && memcmp(output, expected, length) == 0);
  larder_connection_consume(connection, length);
  larder_connection_output(connection, &length);
  EXPECT(length == 0);
  EXPECT(!larder_connection_closed(connection));
  EXPECT(larder_connection_feed(connection, "*x\r\n", 4, NULL) == LARDER_OK);
  EXPECT(larder_connection_closed(connection));
  output = larder_connection_output(connection, &length);
  EXPECT(length > 0 && output[0] == '-');
  larder_connection_free(connection);
  larder_free(cache);
}

static void on_reply(void *arg, larder_reply *reply, const larder_error *error) {
  int *seen = arg;
  EXPECT(error == NULL);
  EXPECT(larder_integer(larder_root(reply)) == *seen + 1);
  ++*seen;
  larder_reply_free(reply);
}

static void replies_come_with_ticks(void) {
  larder_cache *cache = open_with("");
  int seen = 0;
  int64_t next_ms;
  const char *incr[] = {"INCR", "n"};
  for (int i = 0; i < 3; ++i) {
    EXPECT(larder_execute_async(cache, 5, 2, incr, NULL, on_reply, &seen, NULL) == LARDER_OK);
  }
  EXPECT(larder_execute_async(cache, 0, 2, incr, NULL, NULL, NULL, NULL) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_execute_async(cache, 16, 2, incr, NULL, on_reply, &seen, NULL) == LARDER_OUT_OF_RANGE);
  EXPECT(seen == 0);
  EXPECT(larder_tick(cache, 1000, &next_ms, NULL) == LARDER_OK);
  EXPECT(seen == 3);
  int64_t value;
  EXPECT(larder_increment(cache, 5, "n", 1, 0, &value, NULL) == LARDER_OK && value == 3);
  EXPECT(larder_increment(cache, 0, "n", 1, 0, &value, NULL) == LARDER_OK && value == 0);
  larder_free(cache);
}

static void on_cancelled(void *arg, larder_reply *reply, const larder_error *error) {
  ++*(int *)arg;
  if (reply != NULL) {
    larder_reply_free(reply); /* it ran before the cache was closed */
  } else {
    EXPECT(error->status == LARDER_CANCELLED && strlen(error->message) > 0);
  }
}

static void close_tells_callbacks_that_are_owed(void) {
  larder_cache *cache = open_with("");
  int told = 0;
  const char *ping[] = {"PING"};
  EXPECT(larder_execute_async(cache, 0, 1, ping, NULL, on_cancelled, &told, NULL) == LARDER_OK);
  EXPECT(larder_close(cache, -1, NULL) == LARDER_OK);
  EXPECT(told == 1);
  larder_free(cache);
}

/* Nobody but this program ticks, so no `done` is called before it does. */
static void what_waits_of_execute_async_is_bounded(void) {
  larder_cache *cache = open_with("async-bytes-max 100000\n");
  larder_error error;
  larder_status status;
  int seen = 0, calls = 0;
  const char *incr[] = {"INCR", "n"};
  do {
    status = larder_execute_async(cache, 0, 2, incr, NULL, on_reply, &seen, &error);
  } while (status == LARDER_OK && ++calls < 100000);
  EXPECT(status == LARDER_RESOURCE_EXHAUSTED && calls > 10);
  EXPECT(strstr(error.message, "async-bytes-max") != NULL);
  EXPECT(seen == 0);
  EXPECT(larder_tick(cache, 1000, NULL, NULL) == LARDER_OK);
  EXPECT(seen == calls);
  int64_t value;
  EXPECT(larder_increment(cache, 0, "n", 1, 0, &value, NULL) == LARDER_OK && value == calls);
  EXPECT(larder_execute_async(cache, 0, 2, incr, NULL, on_reply, &seen, &error) == LARDER_OK);
  larder_free(cache);
  EXPECT(seen == calls + 1);
}

static int bytes_are(larder_bytes *bytes, const char *expected) {
  size_t length;
  const char *data = larder_bytes_data(bytes, &length);
  const int same = bytes != NULL && length == strlen(expected) && memcmp(data, expected, length) == 0;
  larder_bytes_free(bytes);
  return same;
}

static void typed_calls_get_set_increment_and_expire(void) {
  larder_cache *cache = open_with("");
  larder_error error;
  larder_bytes *value;
  size_t length;
  int yes;
  int64_t number;
  EXPECT(larder_get(cache, 0, "k", 1, &value, &error) == LARDER_OK && value == NULL);
  EXPECT(larder_set(cache, 0, "k", 1, "v\0w", 3, LARDER_NO_EXPIRY, 0, &yes, &error) == LARDER_OK && yes);
  EXPECT(larder_get(cache, 0, "k", 1, &value, &error) == LARDER_OK && value != NULL);
  const char *data = larder_bytes_data(value, &length);
  EXPECT(length == 3 && memcmp(data, "v\0w", 3) == 0);
  larder_bytes_free(value);
  EXPECT(larder_get(cache, 1, "k", 1, &value, &error) == LARDER_OK && value == NULL);

  char buffer[2] = {'x', 'x'};
  EXPECT(larder_get_into(cache, 0, "k", 1, buffer, 2, &length, &yes, &error) == LARDER_OK);
  EXPECT(yes && length == 3 && memcmp(buffer, "v\0", 2) == 0);
  EXPECT(larder_get_into(cache, 0, "none", 4, NULL, 0, &length, &yes, &error) == LARDER_OK && !yes && length == 0);

  EXPECT(larder_set(cache, 0, "k", 1, "2", 1, 500, LARDER_SET_IF_MISSING, &yes, NULL) == LARDER_OK && !yes);
  EXPECT(larder_set(cache, 0, "k", 1, "2", 1, 500, LARDER_SET_IF_PRESENT, &yes, NULL) == LARDER_OK && yes);
  EXPECT(larder_ttl(cache, 0, "k", 1, &number, &yes, NULL) == LARDER_OK && yes && number > 0 && number <= 500);
  EXPECT(larder_expire(cache, 0, "k", 1, 100000, NULL, NULL) == LARDER_OK);
  EXPECT(larder_set(cache, 0, "k", 1, "3", 1, LARDER_NO_EXPIRY, LARDER_SET_KEEP_TTL, NULL, NULL) == LARDER_OK);
  EXPECT(larder_ttl(cache, 0, "k", 1, &number, NULL, NULL) == LARDER_OK && number > 500);
  EXPECT(larder_expire(cache, 0, "k", 1, LARDER_NO_EXPIRY, &yes, NULL) == LARDER_OK && yes);
  EXPECT(larder_ttl(cache, 0, "k", 1, &number, &yes, NULL) == LARDER_OK && yes && number == LARDER_NO_EXPIRY);
  EXPECT(larder_set(cache, 0, "l", 1, "", 0, number, 0, NULL, NULL) == LARDER_OK); /* out of one, into the other */
  EXPECT(larder_ttl(cache, 0, "none", 4, &number, &yes, NULL) == LARDER_OK && !yes && number == 0);
  EXPECT(larder_set(cache, 0, "k", 1, "2", 1, 0, 0, &yes, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_set(cache, 0, "k", 1, "2", 1, 1, 3, &yes, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_set(cache, 0, "k", 1, "2", 1, 1, 8, &yes, &error) == LARDER_INVALID_ARGUMENT);

  EXPECT(larder_increment(cache, 0, "k", 1, 39, &number, &error) == LARDER_OK && number == 42);
  EXPECT(larder_increment(cache, 0, "k", 1, INT64_MAX, &number, &error) == LARDER_OUT_OF_RANGE && number == 0);
  EXPECT(strlen(error.message) > 0 && strncmp(error.message, "ERR", 3) != 0);
  EXPECT(larder_expire(cache, 0, "k", 1, -1, &yes, &error) == LARDER_OK && yes);
  EXPECT(larder_get(cache, 0, "k", 1, &value, &error) == LARDER_OK && value == NULL);
  EXPECT(larder_delete(cache, 0, "l", 1, &yes, &error) == LARDER_OK && yes);
  EXPECT(larder_delete(cache, 0, "l", 1, &yes, &error) == LARDER_OK && !yes);
  larder_free(cache);
}

struct load {
  larder_cache *cache;
  int loads;
  larder_status result;
  const char *value;
  const char *message;
};

static larder_status load(void *arg, larder_loaded *loaded, larder_error *error) {
  struct load *what = arg;
  larder_bytes *value;
  ++what->loads;
  /* A loader may call the cache, but must not wait for itself. */
  EXPECT(larder_get_or_load(what->cache, 0, "k", 1, 1000, load, arg, &value, NULL) == LARDER_FAILED_PRECONDITION);
  if (what->value != NULL) EXPECT(larder_loaded_set(loaded, what->value, strlen(what->value)) == LARDER_OK);
  if (what->message != NULL) strcpy(error->message, what->message);
  return what->result;
}

static void a_missing_value_is_loaded_once(void) {
  larder_cache *cache = open_with("");
  larder_error error;
  larder_bytes *value;
  struct load what = {cache, 0, LARDER_UNAVAILABLE, NULL, "upstream is down"};
  EXPECT(larder_get_or_load(cache, 0, "k", 1, 1000, load, &what, &value, &error) == LARDER_UNAVAILABLE);
  EXPECT(value == NULL && strcmp(error.message, "upstream is down") == 0);
  what.message = NULL;
  EXPECT(larder_get_or_load(cache, 0, "k", 1, 1000, load, &what, &value, &error) == LARDER_UNAVAILABLE);
  EXPECT(strlen(error.message) > 0);
  what.result = LARDER_OK;
  EXPECT(larder_get_or_load(cache, 0, "k", 1, 1000, load, &what, &value, &error) == LARDER_INVALID_ARGUMENT);
  what.value = "loaded";
  EXPECT(larder_get_or_load(cache, 0, "k", 1, 1000, load, &what, &value, &error) == LARDER_OK);
  EXPECT(bytes_are(value, "loaded"));
  EXPECT(what.loads == 4);
  EXPECT(larder_get_or_load(cache, 0, "k", 1, 1000, load, &what, &value, &error) == LARDER_OK);
  EXPECT(bytes_are(value, "loaded"));
  EXPECT(what.loads == 4);
  EXPECT(larder_get_or_load(cache, 0, "k", 1, 1000, NULL, NULL, &value, &error) == LARDER_INVALID_ARGUMENT);
  larder_free(cache);
}

static int64_t now_of(void *arg) { return *(int64_t *)arg; }

static void the_programs_clock_is_the_caches(void) {
  larder_options *options;
  larder_cache *cache;
  larder_bytes *value;
  int64_t now_us = 1700000000000000;
  int64_t ttl_ms;
  EXPECT(larder_options_new(&options, NULL) == LARDER_OK);
  EXPECT(larder_options_background(options, LARDER_BACKGROUND_TICK, NULL) == LARDER_OK);
  EXPECT(larder_options_clock(options, now_of, &now_us, NULL) == LARDER_OK);
  EXPECT(larder_open(options, &cache, NULL) == LARDER_OK);
  EXPECT(larder_set(cache, 0, "k", 1, "v", 1, 100, 0, NULL, NULL) == LARDER_OK);
  now_us += 99999;
  EXPECT(larder_ttl(cache, 0, "k", 1, &ttl_ms, NULL, NULL) == LARDER_OK && ttl_ms == 1);
  now_us += 1;
  EXPECT(larder_get(cache, 0, "k", 1, &value, NULL) == LARDER_OK && value == NULL);
  EXPECT(larder_close(cache, 1000, NULL) == LARDER_OK);
  larder_free(cache);

  larder_manual_clock *clock;
  EXPECT(larder_manual_clock_new(now_us, &clock, NULL) == LARDER_OK);
  larder_options_manual_clock(options, clock);
  EXPECT(larder_options_background(options, LARDER_BACKGROUND_THREAD, NULL) == LARDER_OK);
  EXPECT(larder_open(options, &cache, NULL) == LARDER_OK);
  larder_options_free(options);
  EXPECT(larder_set(cache, 0, "k", 1, "v", 1, 100, 0, NULL, NULL) == LARDER_OK);
  larder_manual_clock_set(clock, now_us + 99999);
  EXPECT(larder_ttl(cache, 0, "k", 1, &ttl_ms, NULL, NULL) == LARDER_OK && ttl_ms == 1);
  larder_manual_clock_set(clock, now_us + 100000); /* wakes the thread too: DBSIZE falls by itself */
  const char *dbsize[] = {"DBSIZE"};
  int64_t keys = 1;
  while (keys == 1) {
    larder_reply *reply;
    EXPECT(larder_execute(cache, 0, 1, dbsize, NULL, &reply, NULL) == LARDER_OK);
    keys = larder_integer(larder_root(reply));
    larder_reply_free(reply);
  }
  larder_manual_clock_free(clock);
  EXPECT(larder_get(cache, 0, "k", 1, &value, NULL) == LARDER_OK && value == NULL);
  larder_free(cache);
}

struct pool {
  pthread_mutex_t mutex;
  size_t limit, used;
};

static void *pool_allocate(void *arg, size_t bytes, size_t alignment) {
  struct pool *pool = arg;
  void *memory = NULL;
  pthread_mutex_lock(&pool->mutex);
  if (pool->used + bytes <= pool->limit && posix_memalign(&memory, alignment, bytes) == 0) pool->used += bytes;
  pthread_mutex_unlock(&pool->mutex);
  return memory;
}

static void pool_release(void *arg, void *memory, size_t bytes, size_t alignment) {
  struct pool *pool = arg;
  (void)alignment;
  pthread_mutex_lock(&pool->mutex);
  pool->used -= bytes;
  pthread_mutex_unlock(&pool->mutex);
  free(memory);
}

static void the_programs_memory_is_the_caches(void) {
  struct pool pool = {PTHREAD_MUTEX_INITIALIZER, 8 << 20, 0};
  larder_options *options;
  larder_cache *cache;
  larder_error error;
  EXPECT(larder_options_new(&options, NULL) == LARDER_OK);
  EXPECT(larder_options_memory(options, pool_allocate, NULL, NULL, &pool, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_options_memory(options, pool_allocate, pool_release, NULL, &pool, &error) == LARDER_OK);
  EXPECT(larder_open(options, &cache, &error) == LARDER_OK);
  larder_options_free(options);
  static char value[4 << 20];
  EXPECT(larder_set(cache, 0, "k", 1, value, sizeof(value), LARDER_NO_EXPIRY, 0, NULL, &error) == LARDER_OK);
  EXPECT(pool.used > sizeof(value));
  EXPECT(larder_set(cache, 0, "l", 1, value, sizeof(value), LARDER_NO_EXPIRY, 0, NULL, &error) ==
         LARDER_RESOURCE_EXHAUSTED);
  EXPECT(strlen(error.message) > 0);
  larder_free(cache);
  EXPECT(pool.used == 0);
}

static void null_is_refused_or_means_nothing(void) {
  larder_cache *cache = open_with("");
  larder_reply *reply;
  larder_error error;
  larder_bytes *bytes;
  size_t length;
  const char *set[] = {"SET", "k", "v"}, *hole[] = {"GET", NULL};
  EXPECT(larder_execute(cache, 0, 3, set, NULL, NULL, &error) == LARDER_OK);
  EXPECT(larder_get(cache, 0, "k", 1, &bytes, NULL) == LARDER_OK && bytes_are(bytes, "v"));
  EXPECT(larder_execute(cache, 0, 2, hole, NULL, &reply, &error) == LARDER_INVALID_ARGUMENT && reply == NULL);
  EXPECT(larder_execute(cache, 0, 2, NULL, NULL, &reply, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_execute(NULL, 0, 3, set, NULL, &reply, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(strcmp(error.message, "cache is NULL") == 0);
  EXPECT(larder_open(NULL, NULL, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_options_new(NULL, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_session_new(cache, NULL, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_session_execute(NULL, 3, set, NULL, NULL, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_connection_new(NULL, NULL, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_connection_feed(NULL, "x", 1, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_listener_start(cache, 0, NULL, NULL, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_get(cache, 0, NULL, 1, &bytes, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_get(cache, 0, "k", 1, NULL, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_set(cache, 0, "k", 1, NULL, 1, 1, 0, NULL, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_close(NULL, 0, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_tick(NULL, 0, NULL, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_type(larder_root(NULL)) == LARDER_TYPE_NIL);
  EXPECT(larder_bytes_data(NULL, &length)[0] == '\0' && length == 0);
  EXPECT(larder_string(larder_root(NULL), NULL)[0] == '\0');
  EXPECT(larder_connection_closed(NULL));
  larder_connection_consume(NULL, 0);
  larder_session *session;
  EXPECT(larder_session_new(cache, &session, NULL) == LARDER_OK);
  EXPECT(larder_session_execute(session, 3, set, NULL, NULL, NULL) == LARDER_OK);
  larder_session_free(session);
  larder_free(cache);
}

static int refuse(void *arg) {
  ++*(int *)arg;
  return 1;
}

static void on_log(void *arg, larder_log_level level, const char *line, size_t length) {
  (void)level;
  (void)line;
  *(size_t *)arg += length;
}

static void shutdown_asks_the_program(void) {
  larder_options *options;
  larder_cache *cache;
  larder_reply *reply;
  int asked = 0;
  size_t logged = 0;
  const char *shutdown[] = {"SHUTDOWN"};
  EXPECT(larder_options_new(&options, NULL) == LARDER_OK);
  larder_options_on_shutdown(options, refuse, &asked);
  larder_options_log(options, on_log, &logged);
  EXPECT(larder_open(options, &cache, NULL) == LARDER_OK);
  larder_options_free(options);
  EXPECT(larder_execute(cache, 0, 1, shutdown, NULL, &reply, NULL) == LARDER_OK);
  EXPECT(larder_type(larder_root(reply)) == LARDER_TYPE_ERROR);
  EXPECT(asked == 1);
  larder_reply_free(reply);
  larder_free(cache);
}

/* A connection to the listener; -1 and a failure if there is none. */
static int connect_to(const larder_listener *listener) {
  struct sockaddr_in address;
  memset(&address, 0, sizeof(address));
  address.sin_family = AF_INET;
  address.sin_port = htons((uint16_t)larder_listener_port(listener));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  EXPECT(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
  return fd;
}

static void the_listener_shows_the_same_keys(void) {
  larder_cache *cache = open_with("bind 127.0.0.1\n");
  larder_listener *listener;
  larder_reply *reply;
  larder_error error;
  const char *set[] = {"SET", "k", "shared"};
  EXPECT(larder_execute(cache, 0, 3, set, NULL, &reply, NULL) == LARDER_OK);
  larder_reply_free(reply);
  if (larder_listener_start(cache, 0, NULL, &listener, &error) != LARDER_OK) {
    EXPECT(!"the listener starts");
    printf("%s\n", error.message);
    larder_free(cache);
    return;
  }
  const int fd = connect_to(listener);
  EXPECT(write(fd, "GET k\r\n", 7) == 7);
  char answer[64];
  size_t got = 0;
  while (got < 12) {
    const ssize_t n = read(fd, answer + got, sizeof(answer) - got);
    if (n <= 0) break;
    got += (size_t)n;
  }
  EXPECT(got == 12 && memcmp(answer, "$6\r\nshared\r\n", 12) == 0);
  close(fd);
  larder_listener_free(listener);
  larder_free(cache);
}

/* One request and all of its answer. */
static void expect_answer(int client, const char *request, const char *answer) {
  const size_t length = strlen(answer);
  char got[512];
  size_t have = 0;
  EXPECT(write(client, request, strlen(request)) == (ssize_t)strlen(request));
  while (have < length) {
    struct pollfd wanted = {client, POLLIN, 0};
    if (poll(&wanted, 1, 30000) <= 0) break;
    const ssize_t n = read(client, got + have, length - have);
    if (n <= 0) break;
    have += (size_t)n;
  }
  EXPECT(have == length && memcmp(got, answer, length) == 0);
}

static void the_host_has_a_word_over_its_listeners_clients(void) {
  larder_cache *cache = open_with("bind 127.0.0.1\n");
  larder_listener *bound = NULL, *open = NULL;
  larder_listener_options *options;
  larder_error error;
  EXPECT(larder_listener_options_new(&options, &error) == LARDER_OK);
  larder_listener_options_read_only(options, 1);
  const char *refused[] = {"strlen", "config|rewrite"}, *keeps[] = {"timeout", "lfu-*"};
  EXPECT(larder_listener_options_refused_commands(options, 2, refused, &error) == LARDER_OK);
  EXPECT(larder_listener_options_host_keeps(options, 2, keeps, &error) == LARDER_OK);
  EXPECT(larder_listener_start(cache, 0, options, &bound, &error) == LARDER_OK);

  /* The last call holds; and the listener before goes by what was said when it was started. */
  larder_listener_options_read_only(options, 0);
  EXPECT(larder_listener_options_refused_commands(options, 0, NULL, &error) == LARDER_OK);
  EXPECT(larder_listener_options_host_keeps(options, 0, NULL, &error) == LARDER_OK);
  EXPECT(larder_listener_start(cache, 0, options, &open, &error) == LARDER_OK);

  const int client = connect_to(bound);
  expect_answer(client, "SET k v\r\n", "-READONLY You can't write against a read only replica.\r\n");
  expect_answer(client, "STRLEN k\r\n", "-NOPERM this user has no permissions to run the 'strlen' command\r\n");
  expect_answer(client, "CONFIG SET lfu-decay-time 2\r\n",
                "-ERR CONFIG SET failed (possibly related to argument 'lfu-decay-time') - "
                "can't set immutable config\r\n");
  expect_answer(client, "CONFIG SET maxmemory 100mb\r\n", "+OK\r\n");
  close(client);
  const int other = connect_to(open);
  expect_answer(other, "SET k v\r\n", "+OK\r\n");
  expect_answer(other, "STRLEN k\r\n", ":1\r\n");
  expect_answer(other, "CONFIG SET timeout 100\r\n", "+OK\r\n");
  close(other);
  larder_listener_free(open);
  larder_listener_free(bound);

  /* Without a word of the program's: the default. */
  larder_listener *by_default = NULL;
  EXPECT(larder_listener_start(cache, 0, NULL, &by_default, &error) == LARDER_OK);
  const int third = connect_to(by_default);
  expect_answer(third, "CONFIG SET maxmemory 1gb\r\n",
                "-ERR CONFIG SET failed (possibly related to argument 'maxmemory') - can't set immutable config\r\n");
  close(third);
  larder_listener_free(by_default);

  /* A name that is none is told by the start. */
  const char *unknown[] = {"strlen", "strlenn"}, *hole[] = {"get", NULL};
  larder_listener *none;
  EXPECT(larder_listener_options_refused_commands(options, 2, unknown, &error) == LARDER_OK);
  EXPECT(larder_listener_start(cache, 0, options, &none, &error) == LARDER_INVALID_ARGUMENT && none == NULL);
  EXPECT(strstr(error.message, "strlenn") != NULL);
  EXPECT(larder_listener_options_refused_commands(options, 2, hole, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_listener_options_refused_commands(options, 1, NULL, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_listener_options_host_keeps(NULL, 0, NULL, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_listener_options_new(NULL, &error) == LARDER_INVALID_ARGUMENT);
  larder_listener_options_read_only(NULL, 1);
  larder_listener_options_free(options);
  larder_free(cache);
}

/* What a host's loop does, with poll(2) as the host: until `length` bytes have been answered, or 30 s passed. */
static void expect_served(larder_listener *listener, int client, const char *answer, size_t length) {
  char got[64];
  size_t have = 0;
  const int backend = larder_listener_backend_fd(listener);
  while (have < length) {
    struct pollfd wanted[2] = {{client, POLLIN, 0}, {backend, POLLIN, 0}};
    /* Without a descriptor of the listener's, by time. */
    const int ready = poll(wanted, backend >= 0 ? 2 : 1, backend >= 0 ? 30000 : 1);
    EXPECT(ready > 0 || backend < 0);
    if (ready == 0 && backend >= 0) return;
    if (backend < 0 || wanted[1].revents != 0) larder_listener_poll(listener, 0);
    if (wanted[0].revents == 0) continue;
    const ssize_t n = read(client, got + have, length - have);
    EXPECT(n > 0);
    if (n <= 0) return;
    have += (size_t)n;
  }
  EXPECT(memcmp(got, answer, length) == 0);
}

static void the_listener_runs_in_the_programs_loop(const char *text, int has_backend) {
  larder_options *options;
  larder_cache *cache;
  larder_listener *listener;
  larder_error error;
  EXPECT(larder_options_new(&options, NULL) == LARDER_OK);
  EXPECT(larder_options_text(options, text, strlen(text), NULL) == LARDER_OK);
  EXPECT(larder_options_background(options, LARDER_BACKGROUND_LOOP, NULL) == LARDER_OK);
  EXPECT(larder_open(options, &cache, NULL) == LARDER_OK);
  larder_options_free(options);
  if (larder_listener_start_in_loop(cache, 0, NULL, &listener, &error) != LARDER_OK) {
    EXPECT(!"the listener starts");
    printf("%s\n", error.message);
    larder_free(cache);
    return;
  }
  EXPECT((larder_listener_backend_fd(listener) >= 0) == has_backend);
  const int client = connect_to(listener);
  EXPECT(write(client, "SET k v PX 20\r\nGET k\r\n", 22) == 22);
  expect_served(listener, client, "+OK\r\n$1\r\nv\r\n", 12);
  /* The cron of its connections, and soon the expiry. */
  EXPECT(larder_listener_next_delay_ms(listener) >= 0);
  /* DBSIZE counts what has expired until the background work took it away; nobody polls but this loop. */
  const char *dbsize[] = {"DBSIZE"};
  int64_t keys = 1;
  while (keys == 1) {
    larder_reply *reply;
    larder_listener_poll(listener, larder_listener_next_delay_ms(listener));
    EXPECT(larder_execute(cache, 0, 1, dbsize, NULL, &reply, NULL) == LARDER_OK);
    keys = larder_integer(larder_root(reply));
    larder_reply_free(reply);
  }
  EXPECT(keys == 0);
  larder_listener_free(listener);
  char byte;
  EXPECT(read(client, &byte, 1) == 0);
  close(client);
  larder_free(cache);
}

static void not_called(void *arg, larder_reply *reply, const larder_error *error) {
  (void)arg;
  (void)reply;
  (void)error;
  EXPECT(!"it is called");
}

static void what_is_no_value_is_refused_by_name(void) {
  larder_options *options;
  larder_cache *cache = open_with("");
  larder_session *session;
  larder_error error;
  EXPECT(larder_options_new(&options, NULL) == LARDER_OK);
  EXPECT(larder_options_background(options, (larder_background)77, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(strstr(error.message, "background") != NULL);
  EXPECT(larder_options_background(NULL, LARDER_BACKGROUND_TICK, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(strcmp(error.message, "options is NULL") == 0);

  const char *ping[] = {"PING"};
  const size_t too_many[] = {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 8, SIZE_MAX / 16};
  larder_reply *reply;
  EXPECT(larder_session_new(cache, &session, NULL) == LARDER_OK);
  for (size_t i = 0; i < sizeof(too_many) / sizeof(too_many[0]); ++i) {
    const size_t argc = too_many[i];
    EXPECT(larder_execute(cache, 0, argc, ping, NULL, &reply, &error) == LARDER_INVALID_ARGUMENT);
    EXPECT(strstr(error.message, "argc") != NULL && reply == NULL);
    EXPECT(larder_session_execute(session, argc, ping, NULL, &reply, &error) == LARDER_INVALID_ARGUMENT);
    EXPECT(larder_execute_async(cache, 0, argc, ping, NULL, not_called, NULL, &error) == LARDER_INVALID_ARGUMENT);
    EXPECT(larder_options_arguments(options, argc, ping, &error) == LARDER_INVALID_ARGUMENT);
    EXPECT(strstr(error.message, "argc") != NULL);
  }
  larder_listener_options *listener;
  EXPECT(larder_listener_options_new(&listener, NULL) == LARDER_OK);
  EXPECT(larder_listener_options_host_keeps(listener, SIZE_MAX, ping, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(strstr(error.message, "count") != NULL);
  EXPECT(larder_listener_options_refused_commands(listener, SIZE_MAX / 2, ping, &error) == LARDER_INVALID_ARGUMENT);
  larder_listener_options_free(listener);
  larder_options_free(options);
  larder_session_free(session);
  larder_free(cache);
}

int main(void) {
  EXPECT(strcmp(larder_version(), "0.1.0") == 0);
  EXPECT(larder_abi() == LARDER_ABI);
  what_is_no_value_is_refused_by_name();
  executes_commands_and_walks_replies();
  tells_errors_from_error_replies();
  sessions_last();
  connections_speak_resp();
  replies_come_with_ticks();
  close_tells_callbacks_that_are_owed();
  what_waits_of_execute_async_is_bounded();
  typed_calls_get_set_increment_and_expire();
  a_missing_value_is_loaded_once();
  the_programs_clock_is_the_caches();
  the_programs_memory_is_the_caches();
  null_is_refused_or_means_nothing();
  shutdown_asks_the_program();
  the_listener_shows_the_same_keys();
  the_host_has_a_word_over_its_listeners_clients();
  the_listener_runs_in_the_programs_loop("bind 127.0.0.1\n", 1);
  the_listener_runs_in_the_programs_loop("bind 127.0.0.1\nae-api select\n", 0);
  larder_options_free(NULL);
  larder_session_free(NULL);
  larder_connection_free(NULL);
  larder_reply_free(NULL);
  larder_listener_options_free(NULL);
  larder_listener_free(NULL);
  larder_bytes_free(NULL);
  larder_manual_clock_free(NULL);
  larder_free(NULL);
  printf("%d expectations, %d failures\n", expectations, failures);
  return failures == 0 ? 0 : 1;
}
