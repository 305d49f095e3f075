/* The C ABI's callbacks and batches as a C program uses them. */
#include <larder/c/larder.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

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

/* What callbacks were told, one after the other. */
typedef struct told {
  char text[4096];
  larder_cache *cache;
  larder_subscription *subscription;
} told;

static void add(told *to, const char *text, size_t length) {
  const size_t size = strlen(to->text);
  if (size + length + 1 > sizeof(to->text)) return;
  memcpy(to->text + size, text, length);
  to->text[size + length] = '\0';
}
static void add_text(told *to, const char *text) { add(to, text, strlen(text)); }

static int was_told(told *what, const char *expected) {
  const int same = strcmp(what->text, expected) == 0;
  if (!same) printf("told \"%s\", expected \"%s\"\n", what->text, expected);
  what->text[0] = '\0';
  return same;
}

static larder_cache *open_cache(void) {
  larder_options *options;
  larder_cache *cache = NULL;
  EXPECT(larder_options_new(&options, NULL) == LARDER_OK);
  EXPECT(larder_options_background(options, LARDER_BACKGROUND_TICK, NULL) == LARDER_OK);
  larder_options_seed(options, 7);
  EXPECT(larder_open(options, &cache, NULL) == LARDER_OK);
  larder_options_free(options);
  return cache;
}

static int text_is(larder_value value, const char *expected) {
  size_t length;
  const char *text = larder_string(value, &length);
  return length == strlen(expected) && memcmp(text, expected, length) == 0;
}

static void run(larder_cache *cache, size_t argc, const char *const *argv) {
  larder_reply *reply = NULL;
  EXPECT(larder_execute(cache, 0, argc, argv, NULL, &reply, NULL) == LARDER_OK);
  EXPECT(larder_type(larder_root(reply)) != LARDER_TYPE_ERROR);
  larder_reply_free(reply);
}
#define RUN(cache, ...)                                                        \
  do {                                                                         \
    const char *const argv_[] = {__VA_ARGS__};                                 \
    run(cache, sizeof(argv_) / sizeof(argv_[0]), argv_);                       \
  } while (0)

static void tell_message(void *arg, const larder_message *message) {
  static const char *const kinds[] = {"channel ", "pattern ", "shard "};
  add_text(arg, kinds[message->kind]);
  add(arg, message->channel, message->channel_length);
  add_text(arg, message->pattern_length != 0 ? " by " : "");
  add(arg, message->pattern, message->pattern_length);
  add_text(arg, ": ");
  add(arg, message->payload, message->payload_length);
  add_text(arg, "; ");
}

static void tell_dropped(void *arg, uint64_t count) {
  char text[40];
  snprintf(text, sizeof(text), "dropped %d; ", (int)count);
  add_text(arg, text);
}

static void messages_come_as_callbacks(void) {
  told got = {.text = ""};
  larder_cache *cache = open_cache();
  larder_subscription *subscription = NULL;
  larder_error error;
  int64_t receivers = -1;
  const char *channels[] = {"news", "a\0b"};
  const size_t lengths[] = {4, 3};
  const char *patterns[] = {"n*"};
  EXPECT(larder_subscription_new(cache, tell_message, &got, NULL, &subscription, &error) == LARDER_OK);
  EXPECT(larder_subscription_add(subscription, LARDER_CHANNEL, 2, channels, lengths, &error) == LARDER_OK);
  EXPECT(larder_subscription_add(subscription, LARDER_PATTERN, 1, patterns, NULL, &error) == LARDER_OK);
  EXPECT(larder_subscription_add(subscription, LARDER_SHARD_CHANNEL, 1, channels, lengths, &error) == LARDER_OK);
  EXPECT(larder_publish(cache, LARDER_CHANNEL, "news", 4, "hi", 2, &receivers, &error) == LARDER_OK && receivers == 2);
  EXPECT(larder_publish(cache, LARDER_SHARD_CHANNEL, "news", 4, NULL, 0, &receivers, &error) == LARDER_OK &&
         receivers == 1);
  EXPECT(larder_publish(cache, LARDER_CHANNEL, "a\0b", 3, "x", 1, NULL, &error) == LARDER_OK);
  EXPECT(got.text[0] == '\0');
  EXPECT(larder_tick(cache, 1000, NULL, &error) == LARDER_OK);
  EXPECT(memcmp(got.text, "channel news: hi; pattern news by n*: hi; shard news: ; channel a\0b: x; ", 60) == 0);
  got.text[0] = '\0';
  EXPECT(larder_subscription_remove(subscription, LARDER_PATTERN, 1, patterns, NULL, &error) == LARDER_OK);
  EXPECT(larder_publish(cache, LARDER_CHANNEL, "news", 4, "1", 1, &receivers, &error) == LARDER_OK && receivers == 1);
  EXPECT(larder_tick(cache, 1000, NULL, &error) == LARDER_OK);
  EXPECT(was_told(&got, "channel news: 1; "));
  EXPECT(larder_subscription_closed(subscription) == 0 && larder_subscription_dropped(subscription) == 0);
  larder_subscription_free(subscription);
  EXPECT(larder_publish(cache, LARDER_CHANNEL, "news", 4, "2", 1, &receivers, &error) == LARDER_OK && receivers == 0);
  larder_free(cache);
}

static void end_itself(void *arg, const larder_message *message) {
  told *const got = arg;
  tell_message(arg, message);
  EXPECT(larder_set(got->cache, 0, "k", 1, "v", 1, LARDER_NO_EXPIRY, 0, NULL, NULL) == LARDER_OK);
  larder_subscription_free(got->subscription);
}

static void a_callback_may_end_its_subscription(void) {
  told got = {.text = ""};
  const char *channels[] = {"c"};
  got.cache = open_cache();
  EXPECT(larder_subscription_new(got.cache, end_itself, &got, NULL, &got.subscription, NULL) == LARDER_OK);
  EXPECT(larder_subscription_add(got.subscription, LARDER_CHANNEL, 1, channels, NULL, NULL) == LARDER_OK);
  EXPECT(larder_publish(got.cache, LARDER_CHANNEL, "c", 1, "1", 1, NULL, NULL) == LARDER_OK);
  EXPECT(larder_publish(got.cache, LARDER_CHANNEL, "c", 1, "2", 1, NULL, NULL) == LARDER_OK);
  EXPECT(larder_tick(got.cache, 1000, NULL, NULL) == LARDER_OK);
  EXPECT(was_told(&got, "channel c: 1; "));
  larder_free(got.cache);
}

static void what_waits_is_bounded(void) {
  told got = {.text = ""};
  larder_cache *cache = open_cache();
  larder_subscription *subscription = NULL;
  const char *channels[] = {"c"};
  larder_callback_options options = {.bytes_max = 400, .dropped = tell_dropped};
  EXPECT(larder_subscription_new(cache, tell_message, &got, &options, &subscription, NULL) == LARDER_OK);
  EXPECT(larder_subscription_add(subscription, LARDER_CHANNEL, 1, channels, NULL, NULL) == LARDER_OK);
  for (int i = 0; i < 10; ++i) {
    EXPECT(larder_publish(cache, LARDER_CHANNEL, "c", 1, "x", 1, NULL, NULL) == LARDER_OK);
  }
  const uint64_t dropped = larder_subscription_dropped(subscription);
  EXPECT(dropped > 0 && dropped < 10);
  EXPECT(larder_tick(cache, 1000, NULL, NULL) == LARDER_OK);
  EXPECT(strncmp(got.text, "dropped ", 8) == 0);
  EXPECT(larder_subscription_closed(subscription) == 0);
  larder_subscription_free(subscription);

  options.close_on_overflow = 1;
  options.bytes_max = 1;
  got.text[0] = '\0';
  EXPECT(larder_subscription_new(cache, tell_message, &got, &options, &subscription, NULL) == LARDER_OK);
  EXPECT(larder_subscription_add(subscription, LARDER_CHANNEL, 1, channels, NULL, NULL) == LARDER_OK);
  EXPECT(larder_publish(cache, LARDER_CHANNEL, "c", 1, "x", 1, NULL, NULL) == LARDER_OK);
  EXPECT(larder_subscription_closed(subscription) == 1);
  EXPECT(larder_subscription_add(subscription, LARDER_PATTERN, 1, channels, NULL, NULL) == LARDER_FAILED_PRECONDITION);
  EXPECT(larder_tick(cache, 1000, NULL, NULL) == LARDER_OK);
  EXPECT(was_told(&got, "dropped 1; "));
  larder_subscription_free(subscription);
  larder_free(cache);
}

static int add_element(void *arg, const larder_old_element *element) {
  char number[40];
  add(arg, element->text, element->text_length);
  add_text(arg, "/");
  add(arg, element->value, element->value_length);
  snprintf(number, sizeof(number), "/%d/%d-%d ", (int)element->score, (int)element->ms, (int)element->sequence);
  add_text(arg, number);
  return 0;
}
static int add_one(void *arg, const larder_old_element *element) {
  add_element(arg, element);
  return 1;
}

static void tell_event(void *arg, const larder_event *event) {
  static const char *const reasons[] = {"written ", "deleted ", "expired ", "evicted ", "flushed ", "swapped ", "missed "};
  const larder_old_value *const old = event->old_value;
  add_text(arg, reasons[event->reason]);
  add(arg, event->name, event->name_length);
  add_text(arg, event->key_length != 0 ? " " : "");
  add(arg, event->key, event->key_length);
  if (old != NULL) {
    size_t length;
    const char *const text = larder_old_string(old, &length);
    char number[40];
    snprintf(number, sizeof(number), " of %d ", (int)larder_old_size(old));
    add_text(arg, number);
    add(arg, text, length);
    if (larder_old_type(old) == LARDER_KEY_STRING) {
      EXPECT(larder_old_elements(old, add_element, arg, NULL) == LARDER_FAILED_PRECONDITION);
    } else {
      EXPECT(larder_old_elements(old, add_element, arg, NULL) == LARDER_OK);
      add_text(arg, "and ");
      EXPECT(larder_old_elements(old, add_one, arg, NULL) == LARDER_OK);
    }
  }
  add_text(arg, "; ");
}

static void events_come_as_callbacks(void) {
  told got = {.text = ""};
  larder_cache *cache = open_cache();
  larder_event_subscription *subscription = NULL;
  larder_error error;
  EXPECT(larder_on_event(cache, LARDER_EVENT_CHANGES | LARDER_EVENT_MISS, NULL, 0, 0, tell_event, &got, NULL,
                         &subscription, &error) == LARDER_OK);
  RUN(cache, "SET", "k", "v", "EX", "10");
  RUN(cache, "GET", "none");
  RUN(cache, "FLUSHDB");
  EXPECT(larder_tick(cache, 1000, NULL, &error) == LARDER_OK);
  EXPECT(was_told(&got, "written new k; written set k; written expire k; missed keymiss none; flushed flushdb; "));
  EXPECT(larder_event_subscription_closed(subscription) == 0 && larder_event_subscription_dropped(subscription) == 0);
  larder_event_subscription_free(subscription);

  EXPECT(larder_on_event(cache, LARDER_EVENT_GENERIC, "x:*", 3, 1, tell_event, &got, NULL, &subscription, &error) ==
         LARDER_OK);
  RUN(cache, "SET", "x:s", "text");
  RUN(cache, "SET", "other", "text");
  RUN(cache, "RPUSH", "x:l", "a", "b");
  RUN(cache, "ZADD", "x:z", "7", "m");
  RUN(cache, "HSET", "x:h", "f", "v");
  RUN(cache, "XADD", "x:x", "5-6", "f", "v", "g", "w");
  RUN(cache, "DEL", "x:s", "other", "x:l", "x:z", "x:h", "x:x");
  EXPECT(larder_tick(cache, 1000, NULL, &error) == LARDER_OK);
  EXPECT(was_told(&got,
                  "deleted del x:s of 4 text; "
                  "deleted del x:l of 2 a//0/0-0 b//0/0-0 and a//0/0-0 ; "
                  "deleted del x:z of 1 m//7/0-0 and m//7/0-0 ; "
                  "deleted del x:h of 1 f/v/0/0-0 and f/v/0/0-0 ; "
                  "deleted del x:x of 1 f/v/0/5-6 g/w/0/5-6 and f/v/0/5-6 ; "));
  larder_event_subscription_free(subscription);
  larder_free(cache);
}

static void batches_cross_the_border_once(void) {
  larder_cache *cache = open_cache();
  larder_error error;
  const char *keys[] = {"a", "none", "b"};
  const char *values[] = {"1", "2", "3"};
  larder_bytes *got[3];
  size_t length;
  EXPECT(larder_mset(cache, 2, 3, keys, NULL, values, NULL, &error) == LARDER_OK);
  EXPECT(larder_delete(cache, 2, "none", 4, NULL, &error) == LARDER_OK);
  EXPECT(larder_mget(cache, 2, 3, keys, NULL, got, &error) == LARDER_OK);
  EXPECT(got[1] == NULL && got[0] != NULL && got[2] != NULL);
  EXPECT(larder_bytes_data(got[2], &length)[0] == '3' && length == 1);
  larder_bytes_free(got[0]);
  larder_bytes_free(got[2]);
  EXPECT(larder_mget(cache, 0, 0, NULL, NULL, NULL, &error) == LARDER_OK);

  const size_t argcs[] = {3, 2, 1, 2};
  const char *argv[] = {"SET", "k", "v", "GET", "k", "PING", "INCR", "k"};
  larder_reply *replies[4];
  EXPECT(larder_execute_batch(cache, 0, 4, argcs, argv, NULL, replies, &error) == LARDER_OK);
  EXPECT(text_is(larder_root(replies[1]), "v"));
  EXPECT(text_is(larder_root(replies[2]), "PONG"));
  EXPECT(larder_type(larder_root(replies[3])) == LARDER_TYPE_ERROR);
  for (int i = 0; i < 4; ++i) larder_reply_free(replies[i]);
  EXPECT(larder_execute_batch(cache, 0, 4, argcs, argv, NULL, NULL, &error) == LARDER_OK);

  const size_t with_none[] = {2, 0, 1};
  EXPECT(larder_execute_batch(cache, 0, 3, with_none, argv + 3, NULL, replies, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(replies[0] != NULL && replies[1] == NULL && replies[2] == NULL);
  larder_reply_free(replies[0]);
  larder_free(cache);
}

static void hear_of_output(void *arg) { add_text(arg, "output; "); }

static void connections_tell_of_output(void) {
  static const char wait[] = "BLPOP l 0\r\n";
  told got = {.text = ""};
  larder_cache *cache = open_cache();
  larder_connection *connection = NULL;
  larder_error error;
  size_t length;
  EXPECT(larder_connection_new(cache, &connection, &error) == LARDER_OK);
  EXPECT(larder_connection_on_output(connection, hear_of_output, &got, &error) == LARDER_OK);
  EXPECT(larder_connection_feed(connection, wait, sizeof(wait) - 1, &error) == LARDER_OK);
  larder_connection_output(connection, &length);
  EXPECT(length == 0);
  RUN(cache, "RPUSH", "l", "a");
  EXPECT(larder_tick(cache, 1000, NULL, &error) == LARDER_OK);
  EXPECT(was_told(&got, "output; "));
  larder_connection_output(connection, &length);
  EXPECT(length == strlen("*2\r\n$1\r\nl\r\n$1\r\na\r\n"));
  EXPECT(larder_connection_on_output(connection, NULL, NULL, &error) == LARDER_OK);
  larder_connection_free(connection);
  larder_free(cache);
}

static void a_blocking_command_waits_for_its_timeout(void) {
  larder_cache *cache = open_cache();
  larder_reply *reply = NULL;
  const char *pop[] = {"BLPOP", "l", "0.001"};
  EXPECT(larder_execute(cache, 0, 3, pop, NULL, &reply, NULL) == LARDER_OK);
  EXPECT(larder_type(larder_root(reply)) == LARDER_TYPE_NIL);
  larder_reply_free(reply);
  larder_free(cache);
}

static void what_is_no_value_is_refused_by_name(void) {
  larder_cache *cache = open_cache();
  larder_error error;
  larder_subscription *subscription = NULL;
  larder_event_subscription *events = NULL;
  told got = {.text = ""};
  const char *names[] = {"a", NULL};
  EXPECT(larder_subscription_new(NULL, tell_message, &got, NULL, &subscription, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(strcmp(error.message, "cache is NULL") == 0);
  EXPECT(larder_subscription_new(cache, NULL, &got, NULL, &subscription, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(strcmp(error.message, "callback is NULL") == 0);
  EXPECT(larder_subscription_new(cache, tell_message, &got, NULL, NULL, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_subscription_new(cache, tell_message, &got, NULL, &subscription, &error) == LARDER_OK);
  EXPECT(larder_subscription_add(subscription, (larder_channel_kind)3, 1, names, NULL, &error) ==
         LARDER_INVALID_ARGUMENT);
  EXPECT(larder_subscription_add(subscription, LARDER_CHANNEL, 2, names, NULL, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_subscription_remove(subscription, LARDER_CHANNEL, 1, NULL, NULL, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_subscription_add(NULL, LARDER_CHANNEL, 1, names, NULL, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_publish(cache, LARDER_PATTERN, "c", 1, "x", 1, NULL, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_publish(cache, LARDER_CHANNEL, NULL, 1, "x", 1, NULL, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_on_event(cache, 0, NULL, 0, 0, tell_event, &got, NULL, &events, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_on_event(cache, 1u << 20, NULL, 0, 0, tell_event, &got, NULL, &events, &error) ==
         LARDER_INVALID_ARGUMENT);
  EXPECT(larder_on_event(cache, 1, NULL, 3, 0, tell_event, &got, NULL, &events, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_on_event(cache, 1, NULL, 0, 0, NULL, &got, NULL, &events, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(events == NULL);
  EXPECT(larder_old_elements(NULL, add_one, &got, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_old_size(NULL) == 0 && larder_old_type(NULL) == LARDER_KEY_STRING);
  EXPECT(larder_mget(cache, 0, 2, names, NULL, NULL, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_mset(cache, 0, 2, names, NULL, names, NULL, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_execute_batch(cache, 0, 1, NULL, names, NULL, NULL, &error) == LARDER_INVALID_ARGUMENT);
  EXPECT(larder_connection_on_output(NULL, hear_of_output, &got, &error) == LARDER_INVALID_ARGUMENT);
  larder_subscription_free(subscription);
  larder_subscription_free(NULL);
  larder_event_subscription_free(NULL);
  EXPECT(larder_subscription_closed(NULL) == 0 && larder_event_subscription_dropped(NULL) == 0);
  EXPECT(larder_subscription_dropped(NULL) == 0 && larder_event_subscription_closed(NULL) == 0);
  larder_free(cache);
}

int main(void) {
  messages_come_as_callbacks();
  a_callback_may_end_its_subscription();
  what_waits_is_bounded();
  events_come_as_callbacks();
  batches_cross_the_border_once();
  connections_tell_of_output();
  a_blocking_command_waits_for_its_timeout();
  what_is_no_value_is_refused_by_name();
  printf("%d expectations, %d failures\n", expectations, failures);
  return failures == 0 ? 0 : 1;
}
