// Jedis, once in RESP2 and once in RESP3, against the server at LARDER_PORT of 127.0.0.1. `../run jedis` builds and
// starts it.
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisPooled;
import redis.clients.jedis.JedisPubSub;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.Response;
import redis.clients.jedis.StreamEntryID;
import redis.clients.jedis.Transaction;
import redis.clients.jedis.args.ListDirection;
import redis.clients.jedis.args.ListPosition;
import redis.clients.jedis.args.SortedSetOption;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.params.LPosParams;
import redis.clients.jedis.params.ScanParams;
import redis.clients.jedis.params.SetParams;
import redis.clients.jedis.params.XAutoClaimParams;
import redis.clients.jedis.params.XClaimParams;
import redis.clients.jedis.params.XPendingParams;
import redis.clients.jedis.params.XReadGroupParams;
import redis.clients.jedis.params.XReadParams;
import redis.clients.jedis.params.XTrimParams;
import redis.clients.jedis.params.ZAddParams;
import redis.clients.jedis.params.ZParams;
import redis.clients.jedis.params.ZRangeParams;
import redis.clients.jedis.resps.ScanResult;
import redis.clients.jedis.resps.StreamEntry;
import redis.clients.jedis.resps.StreamGroupInfo;
import redis.clients.jedis.resps.StreamInfo;
import redis.clients.jedis.resps.StreamPendingEntry;
import redis.clients.jedis.resps.StreamPendingSummary;
import redis.clients.jedis.resps.Tuple;
import redis.clients.jedis.util.KeyValue;

public final class JedisTest {
  // No single wait lasts longer; far less is waited for.
  private static final int WAIT_S_MAX = 60;

  interface Test {
    void run() throws Exception;
  }

  private final RedisProtocol protocol;
  private final HostAndPort address = new HostAndPort("127.0.0.1", Integer.parseInt(System.getenv("LARDER_PORT")));
  private final List<Jedis> connections = new ArrayList<>();
  private final Jedis r;

  private JedisTest(RedisProtocol protocol) {
    this.protocol = protocol;
    r = connect();
  }

  private DefaultJedisClientConfig config() {
    return DefaultJedisClientConfig.builder().protocol(protocol).timeoutMillis(WAIT_S_MAX * 1000).build();
  }

  private Jedis connect() {
    connections.add(new Jedis(address, config()));
    return connections.get(connections.size() - 1);
  }

  public static void main(String[] arguments) {
    int failed = 0;
    failed += new JedisTest(RedisProtocol.RESP2).runAll();
    failed += new JedisTest(RedisProtocol.RESP3).runAll();
    System.out.println("Jedis: " + failed + " failed");
    System.exit(failed == 0 ? 0 : 1);
  }

  private int runAll() {
    Map<String, Test> tests = new LinkedHashMap<>();
    tests.put("strings", this::strings);
    tests.put("lists", this::lists);
    tests.put("hashes", this::hashes);
    tests.put("sets", this::sets);
    tests.put("sorted sets", this::sortedSets);
    tests.put("streams", this::streams);
    tests.put("groups", this::groups);
    tests.put("blocking", this::blocking);
    tests.put("blocking streams", this::blockingStreams);
    tests.put("pub/sub", this::pubSub);
    tests.put("pipelines", this::pipelines);
    tests.put("transactions", this::transactions);
    tests.put("pool", this::pool);
    int failed = 0;
    for (Map.Entry<String, Test> test : tests.entrySet()) {
      try {
        is("OK", r.flushAll());
        test.getValue().run();
      } catch (Exception | AssertionError failure) {
        System.err.print(protocol + " " + test.getKey() + ": ");
        failure.printStackTrace();
        ++failed;
      }
    }
    connections.forEach(Jedis::close);
    return failed;
  }

  private static void is(Object want, Object got) {
    if (!Objects.equals(want, got)) throw new AssertionError("got " + got + ", wanted " + want);
  }

  private static void fails(String prefix, Test call) throws Exception {
    try {
      call.run();
    } catch (JedisDataException error) {
      if (error.getMessage().startsWith(prefix)) return;
      throw new AssertionError("failed with " + error.getMessage() + ", wanted " + prefix);
    }
    throw new AssertionError("did not fail, wanted " + prefix);
  }

  // Starts a call on another thread and returns once its client waits.
  private <T> FutureTask<T> later(Callable<T> call) {
    FutureTask<T> task = new FutureTask<>(call);
    Thread thread = new Thread(task);
    thread.setDaemon(true);
    thread.start();
    while (!r.info("clients").contains("blocked_clients:1\r\n")) {
      if (task.isDone()) throw new AssertionError("did not wait");
    }
    return task;
  }

  private static <T> T result(FutureTask<T> task) throws Exception {
    return task.get(WAIT_S_MAX, TimeUnit.SECONDS);
  }

  private void strings() throws Exception {
    byte[] key = "k".getBytes(StandardCharsets.UTF_8);
    byte[] bytes = {0, -1, '\r', '\n', -128};
    is("OK", r.set(key, bytes, SetParams.setParams().px(100000)));
    is(true, Arrays.equals(bytes, r.get(key)));
    is(null, r.set("k", "other", SetParams.setParams().nx()));
    is(true, r.pttl("k") > 20000);
    is("OK", r.set("é", "€"));
    is(Arrays.asList("€", null), r.mget("é", "nosuch"));
    is(41L, r.incrBy("n", 41));
    is("41", r.getDel("n"));
    is(null, r.get("n"));
    fails("ERR value is not an integer or out of range", () -> r.incr("k"));
  }

  private void lists() throws Exception {
    is(3L, r.rpush("l", "a", "b", "c"));
    is(5L, r.lpush("l", "y", "x"));
    is(List.of("x", "y", "a", "b", "c"), r.lrange("l", 0, -1));
    is(List.of(2L), r.lpos("l", "a", LPosParams.lPosParams(), 0));
    is(6L, r.linsert("l", ListPosition.AFTER, "a", "new"));
    is("x", r.lmove("l", "to", ListDirection.LEFT, ListDirection.RIGHT));
    is(new KeyValue<>("l", List.of("c", "b")), r.lmpop(ListDirection.RIGHT, 2, "nosuch", "l"));
    is(List.of("new", "a", "y"), r.rpop("l", 9));
    is(null, r.lpop("l"));
    is(null, r.lmpop(ListDirection.LEFT, "l"));
    fails("ERR no such key", () -> r.lset("l", 0, "x"));
  }

  private void hashes() throws Exception {
    is(3L, r.hset("h", Map.of("a", "1", "b", "two", "c", "3")));
    is(Map.of("a", "1", "b", "two", "c", "3"), r.hgetAll("h"));
    is(Map.of(), r.hgetAll("nosuch"));
    is(Arrays.asList("two", null), r.hmget("h", "b", "nosuch"));
    is(1.5, r.hincrByFloat("h", "a", 0.5));
    is(true, r.hexists("h", "c"));
    is(2L, r.hdel("h", "a", "c", "nosuch"));
    is(List.of(Map.entry("b", "two")), r.hrandfieldWithValues("h", 5));
    Map<String, String> want = new HashMap<>();
    for (int i = 0; i < 1000; ++i) want.put("field:" + i, String.valueOf(i));
    is(1000L, r.hset("large", want));
    Map<String, String> seen = new HashMap<>();
    String cursor = "0";
    do {
      ScanResult<Map.Entry<String, String>> page = r.hscan("large", cursor, new ScanParams().count(50));
      for (Map.Entry<String, String> entry : page.getResult()) seen.put(entry.getKey(), entry.getValue());
      cursor = page.getCursor();
    } while (!cursor.equals("0"));
    is(want, seen);
  }

  private void sets() throws Exception {
    is(3L, r.sadd("a", "1", "2", "3", "3"));
    is(3L, r.sadd("b", "2", "3", "four"));
    is(Set.of("1", "2", "3"), r.smembers("a"));
    is(Set.of("2", "3"), r.sinter("a", "b"));
    is(Set.of("1"), r.sdiff("a", "b"));
    is(4L, r.sunionstore("u", "a", "b"));
    is(1L, r.sintercard(1, "a", "b"));
    is(List.of(true, false), r.smismember("a", "1", "x"));
    is(1L, r.smove("a", "b", "1"));
    is(Set.of("1", "2", "3", "four"), r.spop("b", 9));
    is(null, r.spop("b"));
    is(false, r.exists("b"));
    fails("WRONGTYPE ", () -> r.lpush("a", "x"));
  }

  private void sortedSets() throws Exception {
    double infinity = Double.POSITIVE_INFINITY;
    is(3L, r.zadd("z", Map.of("a", 1.0, "b", 2.5, "c", infinity)));
    is(1L, r.zadd("z", Map.of("a", 0.0, "b", 4.0), ZAddParams.zAddParams().gt().ch()));
    is(infinity, r.zscore("z", "c"));
    is(null, r.zscore("z", "nosuch"));
    is(Arrays.asList(4.0, null), r.zmscore("z", "b", "nosuch"));
    is(List.of(new Tuple("a", 1.0), new Tuple("b", 4.0)), r.zrangeWithScores("z", 0, 1));
    is(List.of("b"), r.zrange("z", ZRangeParams.zrangeByScoreParams(1.5, infinity).limit(0, 1)));
    is(List.of("c"), r.zrevrange("z", 0, 0));
    is(1L, r.zrank("z", "b"));
    is(1.25, r.zincrby("z", 0.25, "a"));
    is(3L, r.zunionstore("u", new ZParams().weights(1, 2), "z", "z"));
    is(new Tuple("a", 3.75), r.zpopmin("u"));
    is(new KeyValue<>("u", List.of(new Tuple("c", infinity), new Tuple("b", 12.0))),
       r.zmpop(SortedSetOption.MAX, 5, "u"));
    is(List.of(), r.zpopmax("u", 1));
    is(2L, r.sadd("s", "a", "b"));
    is(List.of(new Tuple("a", 3.5), new Tuple("b", 9.0)), r.zinterWithScores(new ZParams().weights(2, 1), "z", "s"));
  }

  private List<StreamEntryID> addFive() {
    List<StreamEntryID> ids = new ArrayList<>();
    for (int i = 0; i < 5; ++i) ids.add(add(i));
    return ids;
  }

  private StreamEntryID add(int i) {
    return r.xadd("s", StreamEntryID.NEW_ENTRY, Map.of("i", String.valueOf(i)));
  }

  // Entries have no equality of their own.
  private static Map<StreamEntryID, Map<String, String>> plain(List<StreamEntry> entries) {
    Map<StreamEntryID, Map<String, String>> all = new HashMap<>();
    for (StreamEntry entry : entries) all.put(entry.getID(), entry.getFields());
    is(entries.size(), all.size());
    return all;
  }

  // The entries of one stream in the reply of a command that could read of several.
  private static Map<StreamEntryID, Map<String, String>> plainOf(
      List<Map.Entry<String, List<StreamEntry>>> streams) {
    is(1, streams.size());
    is("s", streams.get(0).getKey());
    return plain(streams.get(0).getValue());
  }

  private static Map<StreamEntryID, Map<String, String>> entries(List<StreamEntryID> ids, int from, int to) {
    Map<StreamEntryID, Map<String, String>> all = new HashMap<>();
    for (int i = from; i < to; ++i) all.put(ids.get(i), Map.of("i", String.valueOf(i)));
    return all;
  }

  private void streams() throws Exception {
    List<StreamEntryID> ids = addFive();
    is(5L, r.xlen("s"));
    is(entries(ids, 0, 2), plain(r.xrange("s", "-", "+", 2)));
    is(entries(ids, 4, 5), plain(r.xrevrange("s", "+", "-", 1)));
    is(entries(ids, 3, 5), plainOf(r.xread(new XReadParams(), Map.of("s", ids.get(2)))));
    StreamInfo info = r.xinfoStream("s");
    is(5L, info.getLength());
    is(ids.get(4), info.getLastGeneratedId());
    is(ids.get(0), info.getFirstEntry().getID());
    is(5L, info.getStreamInfo().get("entries-added"));
    is(1L, r.xdel("s", ids.get(2)));
    is(2L, r.xtrim("s", new XTrimParams().maxLen(2)));
    is(entries(ids, 3, 5), plain(r.xrange("s", "-", "+")));
    fails("ERR The ID specified in XADD is equal or smaller",
          () -> r.xadd("s", new StreamEntryID(1, 1), Map.of("a", "b")));
  }

  private void groups() throws Exception {
    List<StreamEntryID> ids = addFive();
    Map<String, StreamEntryID> unseen = Map.of("s", StreamEntryID.XREADGROUP_UNDELIVERED_ENTRY);
    is("OK", r.xgroupCreate("s", "g", new StreamEntryID("0-0"), false));
    fails("BUSYGROUP ", () -> r.xgroupCreate("s", "g", new StreamEntryID("0-0"), false));
    fails("NOGROUP ", () -> r.xreadGroup("nosuch", "c", new XReadGroupParams(), unseen));
    is(entries(ids, 0, 3), plainOf(r.xreadGroup("g", "alice", new XReadGroupParams().count(3), unseen)));
    is(1L, r.xack("s", "g", ids.get(0)));
    StreamPendingSummary summary = r.xpending("s", "g");
    is(List.of(2L, ids.get(1), ids.get(2), Map.of("alice", 2L)), List.of(
        summary.getTotal(), summary.getMinId(), summary.getMaxId(), summary.getConsumerMessageCount()));
    StreamPendingEntry pending = r.xpending("s", "g", new XPendingParams("-", "+", 1)).get(0);
    is(List.of(ids.get(1), "alice", 1L),
       List.of(pending.getID(), pending.getConsumerName(), pending.getDeliveredTimes()));
    is(List.of(ids.get(1)), r.xclaimJustId("s", "g", "bob", 0, new XClaimParams(), ids.get(1)));
    Map.Entry<StreamEntryID, List<StreamEntry>> claimed =
        r.xautoclaim("s", "g", "bob", 0, new StreamEntryID("0-0"), new XAutoClaimParams());
    is(new StreamEntryID("0-0"), claimed.getKey());
    is(entries(ids, 1, 3), plain(claimed.getValue()));
    StreamGroupInfo group = r.xinfoGroups("s").get(0);
    is(List.of("g", 2L, 2L, ids.get(2), 3L, 2L), List.of(
        group.getName(), group.getConsumers(), group.getPending(), group.getLastDeliveredId(),
        group.getGroupInfo().get("entries-read"), group.getGroupInfo().get("lag")));
    is("alice", r.xinfoConsumers2("s", "g").get(0).getName());
    is(2L, r.xgroupDelConsumer("s", "g", "bob"));
    is(1L, r.xgroupDestroy("s", "g"));
  }

  private void blocking() throws Exception {
    Jedis waiter = connect();
    FutureTask<KeyValue<String, String>> popped = later(() -> waiter.blpop(0.0, "l1", "l2"));
    is(2L, r.rpush("l2", "x", "y"));
    is(new KeyValue<>("l2", "x"), result(popped));
    FutureTask<String> moved = later(() -> waiter.blmove("from", "to", ListDirection.LEFT, ListDirection.RIGHT, 0));
    is(1L, r.rpush("from", "moved"));
    is("moved", result(moved));
    is(List.of("moved"), r.lrange("to", 0, -1));
    FutureTask<KeyValue<String, List<String>>> several = later(() -> waiter.blmpop(0, ListDirection.RIGHT, 5, "m"));
    is(2L, r.rpush("m", "1", "2"));
    is(new KeyValue<>("m", List.of("2", "1")), result(several));
    FutureTask<KeyValue<String, Tuple>> least = later(() -> waiter.bzpopmin(0, "z"));
    is(2L, r.zadd("z", Map.of("two", 2.0, "one", 1.5)));
    is(new KeyValue<>("z", new Tuple("one", 1.5)), result(least));
    is(null, waiter.blpop(0.01, "nosuch"));
    is(null, waiter.bzpopmax(0.01, "nosuch"));
    is(null, waiter.blmove("nosuch", "to", ListDirection.LEFT, ListDirection.LEFT, 0.01));
  }

  private void blockingStreams() throws Exception {
    Jedis waiter = connect();
    is("OK", r.xgroupCreate("s", "g", StreamEntryID.XGROUP_LAST_ENTRY, true));
    FutureTask<List<Map.Entry<String, List<StreamEntry>>>> grouped =
        later(() -> waiter.xreadGroup("g", "c", new XReadGroupParams().block(0),
                                      Map.of("s", StreamEntryID.XREADGROUP_UNDELIVERED_ENTRY)));
    is(Map.of(add(1), Map.of("i", "1")), plainOf(result(grouped)));
    Map<String, StreamEntryID> fromNow = Map.of("s", StreamEntryID.XREAD_NEW_ENTRY);
    FutureTask<List<Map.Entry<String, List<StreamEntry>>>> read =
        later(() -> waiter.xread(new XReadParams().block(0), fromNow));
    is(Map.of(add(2), Map.of("i", "2")), plainOf(result(read)));
    is(null, waiter.xread(new XReadParams().block(10), fromNow));
  }

  // Keeps what it is told.
  private static final class Listener extends JedisPubSub {
    final BlockingQueue<List<Object>> told = new LinkedBlockingQueue<>();

    @Override
    public void onSubscribe(String channel, int count) {
      told.add(List.of("subscribe", channel, count));
    }

    @Override
    public void onPSubscribe(String pattern, int count) {
      told.add(List.of("psubscribe", pattern, count));
    }

    @Override
    public void onUnsubscribe(String channel, int count) {
      told.add(List.of("unsubscribe", channel, count));
    }

    @Override
    public void onPUnsubscribe(String pattern, int count) {
      told.add(List.of("punsubscribe", pattern, count));
    }

    @Override
    public void onMessage(String channel, String message) {
      told.add(List.of("message", channel, message));
    }

    @Override
    public void onPMessage(String pattern, String channel, String message) {
      told.add(List.of("pmessage", pattern, channel, message));
    }

    @Override
    public void onPong(String message) {
      told.add(List.of("pong", message));
    }

    void isTold(Object... want) throws InterruptedException {
      is(List.of(want), told.poll(WAIT_S_MAX, TimeUnit.SECONDS));
    }
  }

  private void pubSub() throws Exception {
    Jedis subscriber = connect();
    Listener listener = new Listener();
    Thread thread = new Thread(() -> subscriber.subscribe(listener, "news", "other"));
    thread.setDaemon(true);
    thread.start();
    listener.isTold("subscribe", "news", 1);
    listener.isTold("subscribe", "other", 2);
    listener.psubscribe("n?ws");
    listener.isTold("psubscribe", "n?ws", 3);
    is(2L, r.publish("news", "hello"));
    listener.isTold("message", "news", "hello");
    listener.isTold("pmessage", "n?ws", "news", "hello");
    listener.ping("there");
    listener.isTold("pong", "there");
    is(Set.of("news", "other"), Set.copyOf(r.pubsubChannels()));
    is(Map.of("news", 1L, "nosuch", 0L), r.pubsubNumSub("news", "nosuch"));
    is(1L, r.pubsubNumPat());
    listener.unsubscribe("news", "other");
    listener.isTold("unsubscribe", "news", 2);
    listener.isTold("unsubscribe", "other", 1);
    listener.punsubscribe("n?ws");
    listener.isTold("punsubscribe", "n?ws", 0);
    thread.join(WAIT_S_MAX * 1000L);
    is(false, thread.isAlive());
    is("PONG", subscriber.ping());
  }

  private void pipelines() throws Exception {
    try (Pipeline pipeline = r.pipelined()) {
      List<Response<Long>> lengths = new ArrayList<>();
      List<Response<String>> elements = new ArrayList<>();
      for (int i = 0; i < 1000; ++i) {
        lengths.add(pipeline.rpush("l", String.valueOf(i)));
        elements.add(pipeline.lindex("l", -1));
      }
      Response<Long> wrong = pipeline.sadd("l", "x");
      Response<Long> added = pipeline.hset("h", "f", "v");
      Response<Map<String, String>> all = pipeline.hgetAll("h");
      pipeline.sync();
      for (int i = 0; i < 1000; ++i) {
        is(i + 1L, lengths.get(i).get());
        is(String.valueOf(i), elements.get(i).get());
      }
      fails("WRONGTYPE ", wrong::get);
      is(1L, added.get());
      is(Map.of("f", "v"), all.get());
    }
  }

  private void transactions() throws Exception {
    Transaction transaction = r.multi();
    transaction.set("k", "1");
    transaction.incr("k");
    transaction.hset("k", "f", "v");
    transaction.zadd("z", 0.5, "m");
    transaction.zscore("z", "m");
    List<Object> replies = transaction.exec();
    is(true, ((JedisDataException) replies.remove(2)).getMessage().startsWith("WRONGTYPE "));
    is(List.of("OK", 2L, 1L, 0.5), replies);
    is("OK", r.watch("k"));
    is("OK", connect().set("k", "changed"));
    transaction = r.multi();
    transaction.get("k");
    is(null, transaction.exec());
    transaction = r.multi();
    transaction.get("k");
    is(List.of("changed"), transaction.exec());
  }

  // Eight threads share a pool of eight connections, the class that applications use.
  private void pool() throws Exception {
    try (JedisPooled pooled = new JedisPooled(address, config())) {
      List<FutureTask<Void>> tasks = new ArrayList<>();
      for (int i = 0; i < 8; ++i) {
        String own = "own:" + i;
        tasks.add(new FutureTask<>(() -> {
          for (int n = 1; n <= 100; ++n) {
            pooled.incr("shared");
            is((long) n, pooled.incr(own));
          }
          return null;
        }));
      }
      for (FutureTask<Void> task : tasks) {
        Thread thread = new Thread(task);
        thread.setDaemon(true);
        thread.start();
      }
      for (FutureTask<Void> task : tasks) result(task);
      is("800", pooled.get("shared"));
      is("PONG", pooled.sendCommand(Protocol.Command.PING) instanceof byte[] pong ? new String(pong) : null);
    }
  }
}
