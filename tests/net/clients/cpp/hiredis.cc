// hiredis, blocking and inside of libevent, against the server at LARDER_PORT of 127.0.0.1. `../run hiredis` builds and
// starts it. Replies are compared as texts, which tell each type: see Text().
#include <event2/event.h>
#include <hiredis/adapters/libevent.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace {

int failures = 0;

void Is(std::string_view got, std::string_view want, std::source_location place = std::source_location::current()) {
  if (got == want) return;
  ++failures;
  std::fprintf(stderr, "%s:%u: got %.*s\nwanted %.*s\n", place.function_name(), static_cast<unsigned>(place.line()),
               static_cast<int>(got.size()), got.data(), static_cast<int>(want.size()), want.data());
}

[[noreturn]] void Die(const char* what, const char* why) {
  std::fprintf(stderr, "%s: %s\n", what, why);
  std::exit(1);
}

// redis-cli's way: 1, "bulk", nil, [array "of" 3]; and +status, -error.
std::string Text(const redisReply* reply) {
  if (reply == nullptr) return "no reply";
  const std::string words(reply->str != nullptr ? reply->str : "", reply->str != nullptr ? reply->len : 0);
  switch (reply->type) {
    case REDIS_REPLY_INTEGER:
      return std::to_string(reply->integer);
    case REDIS_REPLY_STRING:
      return '"' + words + '"';
    case REDIS_REPLY_STATUS:
      return '+' + words;
    case REDIS_REPLY_ERROR:
      return '-' + words;
    case REDIS_REPLY_NIL:
      return "nil";
    case REDIS_REPLY_ARRAY: {
      std::string all = "[";
      for (size_t i = 0; i < reply->elements; ++i) all += (i > 0 ? " " : "") + Text(reply->element[i]);
      return all + ']';
    }
    default:
      return "a reply of unknown type";
  }
}

// A connection in hiredis's blocking way.
class Client {
 public:
  Client() : context_(redisConnect("127.0.0.1", std::atoi(std::getenv("LARDER_PORT")))) {
    if (context_ == nullptr || context_->err != 0) Die("connecting", context_ == nullptr ? "" : context_->errstr);
  }
  ~Client() { redisFree(context_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // The reply to one command, written as hiredis's formats are.
  std::string operator()(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    void* reply = redisvCommand(context_, format, arguments);
    va_end(arguments);
    return Take(reply);
  }

  // Only sends.
  void Send(const char* command) {
    Append(command);
    for (int done = 0; done == 0;) Check(redisBufferWrite(context_, &done));
  }
  // Sends with the next command, or when a reply is waited for.
  void Append(const char* command) { Check(redisAppendCommand(context_, command)); }

  // The next reply.
  std::string Next() {
    void* reply = nullptr;
    Check(redisGetReply(context_, &reply));
    return Take(reply);
  }

 private:
  void Check(int status) {
    if (status != REDIS_OK) Die("hiredis", context_->errstr);
  }
  std::string Take(void* reply) {
    if (reply == nullptr) Die("hiredis", context_->errstr);
    std::string text = Text(static_cast<redisReply*>(reply));
    freeReplyObject(reply);
    return text;
  }

  redisContext* const context_;
};

// Sends a command that waits, and returns once the server has its client waiting.
void SendWaiting(Client& waiter, const char* command, Client& r) {
  waiter.Send(command);
  while (r("INFO clients").find("blocked_clients:1\r\n") == std::string::npos) {
  }
}

// The id in quotes of XADD's reply.
std::string Unquoted(const std::string& text) { return text.substr(1, text.size() - 2); }

void TestStrings(Client& r) {
  const std::string bytes("\0\xff\r\n\x80", 5);
  Is(r("SET %s %b PX %d", "k", bytes.data(), bytes.size(), 100000), "+OK");
  Is(r("GET k"), '"' + bytes + '"');
  Is(r("SET k other NX"), "nil");
  Is(r("MGET k nosuch"), "[\"" + bytes + "\" nil]");
  Is(r("INCRBY n 41"), "41");
  Is(r("SET %s %s", "a key", ""), "+OK");
  Is(r("STRLEN %s", "a key"), "0");
  Is(r("INCR k"), "-ERR value is not an integer or out of range");
  const std::string large(1 << 20, 'x');
  Is(r("SET k %b", large.data(), large.size()), "+OK");
  Is(r("GET k"), '"' + large + '"');
}

void TestLists(Client& r) {
  Is(r("RPUSH l a b c"), "3");
  Is(r("LPUSH l y x"), "5");
  Is(r("LRANGE l 0 -1"), R"(["x" "y" "a" "b" "c"])");
  Is(r("LPOS l a COUNT 0"), "[2]");
  Is(r("LINSERT l AFTER a new"), "6");
  Is(r("LMOVE l to LEFT RIGHT"), "\"x\"");
  Is(r("LMPOP 2 nosuch l RIGHT COUNT 2"), R"(["l" ["c" "b"]])");
  Is(r("RPOP l 9"), R"(["new" "a" "y"])");
  Is(r("LPOP l"), "nil");
  Is(r("LPOP l 2"), "nil");
  Is(r("LSET l 0 x"), "-ERR no such key");
}

void TestHashes(Client& r) {
  Is(r("HSET h a 1 b two c 3"), "3");
  Is(r("HGETALL h"), R"(["a" "1" "b" "two" "c" "3"])");
  Is(r("HGETALL nosuch"), "[]");
  Is(r("HMGET h b nosuch"), R"(["two" nil])");
  Is(r("HINCRBYFLOAT h a 0.5"), "\"1.5\"");
  Is(r("HDEL h a c nosuch"), "2");
  Is(r("HRANDFIELD h 5 WITHVALUES"), R"(["b" "two"])");
  Is(r("HSCAN h 0"), R"(["0" ["b" "two"]])");
  Is(r("HSET h odd"), "-ERR wrong number of arguments for 'hset' command");
}

void TestSets(Client& r) {
  Is(r("SADD a 1 2 3 3"), "3");
  Is(r("SADD b 2 3 4"), "3");
  Is(r("SMEMBERS a"), R"(["1" "2" "3"])");
  Is(r("SINTER a b"), R"(["2" "3"])");
  Is(r("SDIFF a b"), R"(["1"])");
  Is(r("SUNIONSTORE u a b"), "4");
  Is(r("SINTERCARD 2 a b LIMIT 1"), "1");
  Is(r("SMISMEMBER a 1 x"), "[1 0]");
  Is(r("SMOVE a b 1"), "1");
  Is(r("SREM b 1 2 3"), "3");
  Is(r("SPOP b"), "\"4\"");
  Is(r("SPOP b"), "nil");
  Is(r("LPUSH a x"), "-WRONGTYPE Operation against a key holding the wrong kind of value");
}

void TestSortedSets(Client& r) {
  Is(r("ZADD z 1 a 2.5 b inf c"), "3");
  Is(r("ZADD z GT CH 0 a 4 b"), "1");
  Is(r("ZSCORE z c"), "\"inf\"");
  Is(r("ZMSCORE z b nosuch"), R"(["4" nil])");
  Is(r("ZRANGE z 0 1 WITHSCORES"), R"(["a" "1" "b" "4"])");
  Is(r("ZRANGE z (1 +inf BYSCORE LIMIT 0 1"), R"(["b"])");
  Is(r("ZREVRANK z a"), "2");
  Is(r("ZINCRBY z 0.25 a"), "\"1.25\"");
  Is(r("ZUNIONSTORE u 2 z z WEIGHTS 1 2"), "3");
  Is(r("ZPOPMIN u"), R"(["a" "3.75"])");
  Is(r("ZMPOP 1 u MAX COUNT 5"), R"(["u" [["c" "inf"] ["b" "12"]]])");
  Is(r("ZPOPMIN u"), "[]");
  Is(r("ZADD z NX GT 1 a"), "-ERR GT, LT, and/or NX options at the same time are not compatible");
}

void TestStreams(Client& r) {
  Is(r("XADD s 1-1 f a"), "\"1-1\"");
  Is(r("XADD s 1-* f b"), "\"1-2\"");
  Is(r("XADD s 2-1 f c g d"), "\"2-1\"");
  Is(r("XADD s 2-1 f x"), "-ERR The ID specified in XADD is equal or smaller than the target stream top item");
  Is(r("XRANGE s (1-1 + COUNT 1"), R"([["1-2" ["f" "b"]]])");
  Is(r("XREAD STREAMS s nosuch 1-2 0"), R"([["s" [["2-1" ["f" "c" "g" "d"]]]]])");
  Is(r("XGROUP CREATE s g 0"), "+OK");
  Is(r("XGROUP CREATE s g 0"), "-BUSYGROUP Consumer Group name already exists");
  Is(r("XREADGROUP GROUP g alice COUNT 2 STREAMS s >"), R"([["s" [["1-1" ["f" "a"]] ["1-2" ["f" "b"]]]]])");
  Is(r("XACK s g 1-1"), "1");
  Is(r("XPENDING s g"), R"([1 "1-2" "1-2" [["alice" "1"]]])");
  Is(r("XCLAIM s g bob 0 1-2"), R"([["1-2" ["f" "b"]]])");
  Is(r("XDEL s 1-2"), "1");
  Is(r("XAUTOCLAIM s g bob 0 0"), R"(["0-0" [] ["1-2"]])");
  Is(r("XINFO GROUPS s"),
     R"([["name" "g" "consumers" 2 "pending" 0 "last-delivered-id" "1-2" "entries-read" 2 "lag" nil]])");
  Is(r("XTRIM s MAXLEN 1"), "1");
  Is(r("XLEN s"), "1");
}

void TestBlocking(Client& r) {
  Client waiter;
  SendWaiting(waiter, "BLPOP l1 l2 0", r);
  Is(r("RPUSH l2 x y"), "2");
  Is(waiter.Next(), R"(["l2" "x"])");
  SendWaiting(waiter, "BLMOVE from to LEFT RIGHT 0", r);
  Is(r("RPUSH from moved"), "1");
  Is(waiter.Next(), "\"moved\"");
  Is(r("LRANGE to 0 -1"), R"(["moved"])");
  SendWaiting(waiter, "BZMPOP 0 1 z MIN COUNT 2", r);
  Is(r("ZADD z 2 two 1.5 one 3 three"), "3");
  Is(waiter.Next(), R"(["z" [["one" "1.5"] ["two" "2"]]])");
  Is(r("XGROUP CREATE s g $ MKSTREAM"), "+OK");
  SendWaiting(waiter, "XREADGROUP GROUP g c BLOCK 0 STREAMS s >", r);
  const std::string id = Unquoted(r("XADD s * f v"));
  Is(waiter.Next(), R"([["s" [[")" + id + R"(" ["f" "v"]]]]])");
  Is(waiter("BLPOP nosuch 0.01"), "nil");
  Is(waiter("BZPOPMAX nosuch 0.01"), "nil");
  Is(waiter("XREAD BLOCK 10 STREAMS s $"), "nil");

  // Another client ends the wait; and what was sent behind a waiting command runs after it.
  const std::string number = waiter("CLIENT ID");
  waiter.Append("BRPOP nosuch 0");
  SendWaiting(waiter, "PING", r);
  Is(r("CLIENT UNBLOCK %s ERROR", number.c_str()), "1");
  Is(waiter.Next(), "-UNBLOCKED client unblocked via CLIENT UNBLOCK");
  Is(waiter.Next(), "+PONG");
}

void TestPubSub(Client& r) {
  Client subscriber;
  subscriber.Append("SUBSCRIBE news other");
  subscriber.Append("PSUBSCRIBE n?ws");
  Is(subscriber.Next(), R"(["subscribe" "news" 1])");
  Is(subscriber.Next(), R"(["subscribe" "other" 2])");
  Is(subscriber.Next(), R"(["psubscribe" "n?ws" 3])");
  Is(r("PUBLISH news hello"), "2");
  Is(subscriber.Next(), R"(["message" "news" "hello"])");
  Is(subscriber.Next(), R"(["pmessage" "n?ws" "news" "hello"])");
  Is(subscriber("PING"), R"(["pong" ""])");
  Is(subscriber("GET k"),
     "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this "
     "context");
  Is(r("PUBSUB NUMSUB news nosuch"), R"(["news" 1 "nosuch" 0])");
  Is(r("PUBSUB NUMPAT"), "1");
  Is(subscriber("UNSUBSCRIBE news"), R"(["unsubscribe" "news" 2])");
  Is(subscriber("UNSUBSCRIBE"), R"(["unsubscribe" "other" 1])");
  Is(subscriber("PUNSUBSCRIBE"), R"(["punsubscribe" "n?ws" 0])");
  Is(subscriber("UNSUBSCRIBE"), R"(["unsubscribe" nil 0])");
  Is(subscriber("SSUBSCRIBE shard"), R"(["ssubscribe" "shard" 1])");
  Is(r("SPUBLISH shard one"), "1");
  Is(subscriber.Next(), R"(["smessage" "shard" "one"])");
  Is(subscriber("RESET"), "+RESET");
  Is(subscriber("GET nosuch"), "nil");
}

void TestPipelines(Client& r) {
  for (int i = 0; i < 1000; ++i) {
    r.Append("INCR n");
    r.Append("GET n");
  }
  r.Append("LPUSH nosuch");
  for (int i = 1; i <= 1000; ++i) {
    const std::string number = std::to_string(i);
    Is(r.Next(), number);
    Is(r.Next(), '"' + number + '"');
  }
  Is(r.Next(), "-ERR wrong number of arguments for 'lpush' command");
  for (const char* command : {"MULTI", "SET k 1", "INCR k", "HSET k f v", "GET k", "EXEC"}) r.Append(command);
  Is(r.Next(), "+OK");
  for (int i = 0; i < 4; ++i) Is(r.Next(), "+QUEUED");
  Is(r.Next(), R"([+OK 2 -WRONGTYPE Operation against a key holding the wrong kind of value "2"])");
  Client other;
  Is(r("WATCH k"), "+OK");
  Is(other("SET k changed"), "+OK");
  Is(r("MULTI"), "+OK");
  Is(r("GET k"), "+QUEUED");
  Is(r("EXEC"), "nil");
}

// hiredis's other API: connections in a loop of libevent's.
class Loop {
 public:
  ~Loop() { event_base_free(base_); }

  redisAsyncContext* Connect() {
    redisAsyncContext* context = redisAsyncConnect("127.0.0.1", std::atoi(std::getenv("LARDER_PORT")));
    if (context == nullptr || context->err != 0) Die("connecting", context == nullptr ? "" : context->errstr);
    if (redisLibeventAttach(context, base_) != REDIS_OK) Die("libevent", "did not take the connection");
    return context;
  }

  // Keeps each reply in `replies`; hiredis calls with none when the connection goes.
  void Ask(redisAsyncContext* context, const char* command) {
    const auto keep = [](redisAsyncContext*, void* reply, void* self) {
      if (reply != nullptr) static_cast<Loop*>(self)->replies.push_back(Text(static_cast<redisReply*>(reply)));
    };
    if (redisAsyncCommand(context, keep, this, command) != REDIS_OK) Die(command, context->errstr);
  }

  void RunUntil(size_t count) {
    while (replies.size() < count) {
      if (event_base_loop(base_, EVLOOP_ONCE) != 0) Die("libevent", "has nothing to wait for");
    }
  }
  // Until all connections are gone.
  void RunOut() { event_base_dispatch(base_); }

  std::vector<std::string> replies;

 private:
  event_base* const base_ = event_base_new();
};

void TestAsync(Client& r) {
  Loop loop;
  redisAsyncContext* context = loop.Connect();
  for (int i = 0; i < 1000; ++i) loop.Ask(context, "INCR n");
  loop.Ask(context, "BLPOP l 0");
  loop.RunUntil(1000);
  for (int i = 0; i < 1000; ++i) Is(loop.replies[i], std::to_string(i + 1));
  Is(r("RPUSH l x"), "1");
  loop.RunUntil(1001);
  Is(loop.replies[1000], R"(["l" "x"])");

  loop.replies.clear();
  redisAsyncContext* subscriber = loop.Connect();
  loop.Ask(subscriber, "SUBSCRIBE news");
  loop.Ask(subscriber, "PSUBSCRIBE n?ws");
  loop.RunUntil(2);
  Is(loop.replies[0], R"(["subscribe" "news" 1])");
  Is(loop.replies[1], R"(["psubscribe" "n?ws" 2])");
  loop.Ask(context, "PUBLISH news hello");
  loop.RunUntil(5);
  size_t found = 0;  // the two connections' replies come in either order
  for (size_t i = 2; i < 5; ++i) {
    for (const char* want : {"2", R"(["message" "news" "hello"])", R"(["pmessage" "n?ws" "news" "hello"])"}) {
      found += loop.replies[i] == want;
    }
  }
  Is(std::to_string(found), "3");
  redisAsyncDisconnect(context);
  redisAsyncFree(subscriber);
  loop.RunOut();
  Is(std::to_string(loop.replies.size()), "5");
}

}  // namespace

int main() {
  Client r;
  for (const auto test : {TestStrings, TestLists, TestHashes, TestSets, TestSortedSets, TestStreams, TestBlocking,
                          TestPubSub, TestPipelines, TestAsync}) {
    Is(r("FLUSHALL"), "+OK");
    test(r);
  }
  std::printf("hiredis %d.%d.%d: %d failed\n", HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH, failures);
  return failures == 0 ? 0 : 1;
}
