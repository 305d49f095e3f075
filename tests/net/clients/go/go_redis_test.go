// go-redis, once in RESP2 and once in RESP3, against the server at LARDER_PORT of 127.0.0.1. `../run go_redis` starts
// it.
package goredis

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// No single wait lasts longer; far less is waited for.
const waitMax = 60 * time.Second

// One test: its connections speak `protocol`, and `r` is the first of them.
type fixture struct {
	*testing.T
	ctx      context.Context
	protocol int
	r        *redis.Client
}

func TestGoRedis(t *testing.T) {
	tests := []struct {
		name string
		run  func(*fixture)
	}{
		{"strings", testStrings},
		{"lists", testLists},
		{"hashes", testHashes},
		{"sets", testSets},
		{"sorted sets", testSortedSets},
		{"streams", testStreams},
		{"groups", testGroups},
		{"blocking", testBlocking},
		{"blocking streams", testBlockingStreams},
		{"pub/sub", testPubSub},
		{"pipelines", testPipelines},
		{"transactions", testTransactions},
	}
	for _, protocol := range []int{2, 3} {
		for _, test := range tests {
			t.Run(fmt.Sprintf("RESP%d %s", protocol, test.name), func(t *testing.T) {
				ctx, cancel := context.WithTimeout(context.Background(), waitMax)
				defer cancel()
				f := &fixture{T: t, ctx: ctx, protocol: protocol}
				f.r = f.connect()
				is(f, "OK")(f.r.FlushAll(ctx).Result())
				test.run(f)
			})
		}
	}
}

func (f *fixture) connect() *redis.Client {
	client := redis.NewClient(&redis.Options{
		Addr:       "127.0.0.1:" + os.Getenv("LARDER_PORT"),
		Protocol:   f.protocol,
		MaxRetries: -1,
	})
	f.Cleanup(func() { client.Close() })
	return client
}

// is(f, want)(a call's result and error), which Go passes on as they are.
func is[T any](f *fixture, want T) func(T, error) {
	return func(got T, err error) {
		f.Helper()
		if err != nil {
			f.Fatalf("failed with %q, wanted %#v", err, want)
		}
		equal(f, want, got)
	}
}

// As is(), for calls that reply a key and what belongs to it.
func isOf[K, T any](f *fixture, key K, want T) func(K, T, error) {
	return func(gotKey K, got T, err error) {
		f.Helper()
		is(f, want)(got, err)
		equal(f, key, gotKey)
	}
}

func equal[T any](f *fixture, want, got T) {
	f.Helper()
	if !reflect.DeepEqual(want, got) {
		f.Fatalf("got %#v, wanted %#v", got, want)
	}
}

func isNil(f *fixture, command redis.Cmder) {
	f.Helper()
	if !errors.Is(command.Err(), redis.Nil) {
		f.Fatalf("%v: not nil", command)
	}
}

func fails(f *fixture, prefix string, command redis.Cmder) {
	f.Helper()
	var fromServer redis.Error
	if !errors.As(command.Err(), &fromServer) || !strings.HasPrefix(fromServer.Error(), prefix) {
		f.Fatalf("%v: wanted the error %q", command, prefix)
	}
}

func value[T any](f *fixture) func(T, error) T {
	return func(got T, err error) T {
		f.Helper()
		if err != nil {
			f.Fatal(err)
		}
		return got
	}
}

func sorted(values []string, err error) ([]string, error) {
	sort.Strings(values)
	return values, err
}

// What a call returned.
type outcome[T any] struct {
	value T
	err   error
}

// later starts a call on a connection of its own and returns once its client waits; the function it returns gives what
// the call returned.
func later[T any](f *fixture, call func() (T, error)) func() (T, error) {
	done := make(chan outcome[T], 1)
	go func() {
		value, err := call()
		done <- outcome[T]{value, err}
	}()
	for !strings.Contains(value[string](f)(f.r.Info(f.ctx, "clients").Result()), "blocked_clients:1\r\n") {
		equal(f, 0, len(done))
	}
	return func() (T, error) {
		r := <-done
		return r.value, r.err
	}
}

func testStrings(f *fixture) {
	ctx, r := f.ctx, f.r
	bytes := "\x00\xff\r\n\x80"
	is(f, "OK")(r.Set(ctx, "k", bytes, 100*time.Second).Result())
	is(f, bytes)(r.Get(ctx, "k").Result())
	is(f, false)(r.SetNX(ctx, "k", "other", 0).Result())
	left := value[time.Duration](f)(r.PTTL(ctx, "k").Result())
	equal(f, true, left > 20*time.Second && left <= 100*time.Second)
	is(f, []interface{}{bytes, nil})(r.MGet(ctx, "k", "nosuch").Result())
	is[int64](f, 41)(r.IncrBy(ctx, "n", 41).Result())
	is(f, "41")(r.GetDel(ctx, "n").Result())
	isNil(f, r.Get(ctx, "n"))
	fails(f, "ERR value is not an integer or out of range", r.Incr(ctx, "k"))
	equal(f, "default", value[*redis.ClientInfo](f)(r.ClientInfo(ctx).Result()).User)
}

func testLists(f *fixture) {
	ctx, r := f.ctx, f.r
	is[int64](f, 3)(r.RPush(ctx, "l", "a", "b", "c").Result())
	is[int64](f, 5)(r.LPush(ctx, "l", "y", "x").Result())
	is(f, []string{"x", "y", "a", "b", "c"})(r.LRange(ctx, "l", 0, -1).Result())
	is(f, []int64{2})(r.LPosCount(ctx, "l", "a", 0, redis.LPosArgs{}).Result())
	is[int64](f, 6)(r.LInsertAfter(ctx, "l", "a", "new").Result())
	is(f, "x")(r.LMove(ctx, "l", "to", "LEFT", "RIGHT").Result())
	isOf(f, "l", []string{"c", "b"})(r.LMPop(ctx, "RIGHT", 2, "nosuch", "l").Result())
	is(f, []string{"new", "a", "y"})(r.RPopCount(ctx, "l", 9).Result())
	isNil(f, r.LPop(ctx, "l"))
	isNil(f, r.LMPop(ctx, "LEFT", 1, "l"))
	fails(f, "ERR no such key", r.LSet(ctx, "l", 0, "x"))
}

func testHashes(f *fixture) {
	ctx, r := f.ctx, f.r
	is[int64](f, 3)(r.HSet(ctx, "h", map[string]interface{}{"a": 1, "b": "two", "c": "3"}).Result())
	is(f, map[string]string{"a": "1", "b": "two", "c": "3"})(r.HGetAll(ctx, "h").Result())
	is(f, map[string]string{})(r.HGetAll(ctx, "nosuch").Result())
	is(f, []interface{}{"two", nil})(r.HMGet(ctx, "h", "b", "nosuch").Result())
	is(f, 1.5)(r.HIncrByFloat(ctx, "h", "a", 0.5).Result())
	is(f, true)(r.HExists(ctx, "h", "c").Result())
	is[int64](f, 2)(r.HDel(ctx, "h", "a", "c", "nosuch").Result())
	is(f, []redis.KeyValue{{Key: "b", Value: "two"}})(r.HRandFieldWithValues(ctx, "h", 5).Result())
	var typed struct {
		B string `redis:"b"`
	}
	equal(f, nil, r.HGetAll(ctx, "h").Scan(&typed))
	equal(f, "two", typed.B)

	want := map[string]string{}
	for i := 0; i < 1000; i++ {
		want[fmt.Sprint("field:", i)] = fmt.Sprint(i)
	}
	is[int64](f, 1000)(r.HSet(ctx, "large", want).Result())
	seen := map[string]string{}
	scan := r.HScan(ctx, "large", 0, "", 50).Iterator()
	for scan.Next(ctx) {
		field := scan.Val()
		equal(f, true, scan.Next(ctx))
		seen[field] = scan.Val()
	}
	is(f, want)(seen, scan.Err())
}

func testSets(f *fixture) {
	ctx, r := f.ctx, f.r
	is[int64](f, 3)(r.SAdd(ctx, "a", 1, 2, 3, 3).Result())
	is[int64](f, 3)(r.SAdd(ctx, "b", "2", "3", "four").Result())
	is(f, map[string]struct{}{"1": {}, "2": {}, "3": {}})(r.SMembersMap(ctx, "a").Result())
	is(f, []string{"2", "3"})(sorted(r.SInter(ctx, "a", "b").Result()))
	is(f, []string{"1"})(r.SDiff(ctx, "a", "b").Result())
	is[int64](f, 4)(r.SUnionStore(ctx, "u", "a", "b").Result())
	is[int64](f, 1)(r.SInterCard(ctx, 1, "a", "b").Result())
	is(f, []bool{true, false})(r.SMIsMember(ctx, "a", 1, "x").Result())
	is(f, true)(r.SMove(ctx, "a", "b", 1).Result())
	is(f, []string{"1", "2", "3", "four"})(sorted(r.SPopN(ctx, "b", 9).Result()))
	isNil(f, r.SPop(ctx, "b"))
	is[int64](f, 0)(r.Exists(ctx, "b").Result())
	fails(f, "WRONGTYPE ", r.LPush(ctx, "a", "x"))
}

func testSortedSets(f *fixture) {
	ctx, r := f.ctx, f.r
	infinity := math.Inf(1)
	is[int64](f, 3)(r.ZAdd(ctx, "z", redis.Z{Score: 1, Member: "a"}, redis.Z{Score: 2.5, Member: "b"},
		redis.Z{Score: infinity, Member: "c"}).Result())
	is[int64](f, 1)(r.ZAddArgs(ctx, "z", redis.ZAddArgs{GT: true, Ch: true, Members: []redis.Z{{Score: 0, Member: "a"},
		{Score: 4, Member: "b"}}}).Result())
	is(f, infinity)(r.ZScore(ctx, "z", "c").Result())
	isNil(f, r.ZScore(ctx, "z", "nosuch"))
	is(f, []float64{4, 0})(r.ZMScore(ctx, "z", "b", "nosuch").Result())
	is(f, []redis.Z{{Score: 1, Member: "a"}, {Score: 4, Member: "b"}})(r.ZRangeWithScores(ctx, "z", 0, 1).Result())
	is(f, []string{"b"})(r.ZRangeArgs(ctx, redis.ZRangeArgs{Key: "z", Start: "(1", Stop: "+inf", ByScore: true,
		Count: 1}).Result())
	is(f, []string{"c"})(r.ZRevRange(ctx, "z", 0, 0).Result())
	is[int64](f, 1)(r.ZRank(ctx, "z", "b").Result())
	is(f, 1.25)(r.ZIncrBy(ctx, "z", 0.25, "a").Result())
	is[int64](f, 3)(r.ZUnionStore(ctx, "u", &redis.ZStore{Keys: []string{"z", "z"}, Weights: []float64{1, 2}}).Result())
	is(f, []redis.Z{{Score: 3.75, Member: "a"}})(r.ZPopMin(ctx, "u").Result())
	isOf(f, "u", []redis.Z{{Score: infinity, Member: "c"}, {Score: 12, Member: "b"}})(
		r.ZMPop(ctx, "max", 5, "u").Result())
	is(f, []redis.Z{})(r.ZPopMax(ctx, "u").Result())
	is[int64](f, 2)(r.SAdd(ctx, "a", "a", "b").Result())
	is(f, []redis.Z{{Score: 3.5, Member: "a"}, {Score: 9, Member: "b"}})(r.ZInterWithScores(ctx, &redis.ZStore{
		Keys: []string{"z", "a"}, Weights: []float64{2, 1}}).Result())
}

// add appends field `i` to stream `s`; the entry's id.
func add(f *fixture, i int) string {
	return value[string](f)(f.r.XAdd(f.ctx, &redis.XAddArgs{Stream: "s", Values: []interface{}{"i", i}}).Result())
}

func addFive(f *fixture) []string {
	var ids []string
	for i := 0; i < 5; i++ {
		ids = append(ids, add(f, i))
	}
	return ids
}

// read is what XREAD and XREADGROUP reply for stream `s`.
func read(messages ...redis.XMessage) []redis.XStream {
	return []redis.XStream{{Stream: "s", Messages: messages}}
}

func readGroup(group, consumer string, count int64) *redis.XReadGroupArgs {
	return &redis.XReadGroupArgs{Group: group, Consumer: consumer, Streams: []string{"s", ">"}, Count: count}
}

func message(id string, i int) redis.XMessage {
	return redis.XMessage{ID: id, Values: map[string]interface{}{"i": fmt.Sprint(i)}}
}

func testStreams(f *fixture) {
	ctx, r := f.ctx, f.r
	ids := addFive(f)
	is[int64](f, 5)(r.XLen(ctx, "s").Result())
	is(f, []redis.XMessage{message(ids[0], 0), message(ids[1], 1)})(r.XRangeN(ctx, "s", "-", "+", 2).Result())
	is(f, []redis.XMessage{message(ids[4], 4)})(r.XRevRangeN(ctx, "s", "+", "-", 1).Result())
	is(f, read(message(ids[4], 4)))(
		r.XRead(ctx, &redis.XReadArgs{Streams: []string{"s", "nosuch", ids[3], "0"}, Block: -1}).Result())
	isNil(f, r.XRead(ctx, &redis.XReadArgs{Streams: []string{"s", ids[4]}, Block: -1}))
	info := value[*redis.XInfoStream](f)(r.XInfoStream(ctx, "s").Result())
	equal(f, []interface{}{int64(5), ids[4], message(ids[0], 0), int64(5)},
		[]interface{}{info.Length, info.LastGeneratedID, info.FirstEntry, info.EntriesAdded})
	is[int64](f, 1)(r.XDel(ctx, "s", ids[2]).Result())
	is[int64](f, 2)(r.XTrimMaxLen(ctx, "s", 2).Result())
	is(f, []redis.XMessage{message(ids[3], 3), message(ids[4], 4)})(r.XRange(ctx, "s", "-", "+").Result())
	fails(f, "ERR The ID specified in XADD is equal or smaller", r.XAdd(ctx, &redis.XAddArgs{Stream: "s", ID: "1-1",
		Values: []string{"a", "b"}}))
}

func testGroups(f *fixture) {
	ctx, r := f.ctx, f.r
	ids := addFive(f)
	is(f, "OK")(r.XGroupCreate(ctx, "s", "g", "0").Result())
	fails(f, "BUSYGROUP ", r.XGroupCreate(ctx, "s", "g", "0"))
	fails(f, "NOGROUP ", r.XReadGroup(ctx, readGroup("nosuch", "c", 1)))
	is(f, read(message(ids[0], 0), message(ids[1], 1), message(ids[2], 2)))(
		r.XReadGroup(ctx, readGroup("g", "alice", 3)).Result())
	is[int64](f, 1)(r.XAck(ctx, "s", "g", ids[0]).Result())
	is(f, &redis.XPending{Count: 2, Lower: ids[1], Higher: ids[2], Consumers: map[string]int64{"alice": 2}})(
		r.XPending(ctx, "s", "g").Result())
	pending := value[[]redis.XPendingExt](f)(r.XPendingExt(ctx, &redis.XPendingExtArgs{Stream: "s", Group: "g",
		Start: "-", End: "+", Count: 1}).Result())
	pending[0].Idle = 0
	equal(f, []redis.XPendingExt{{ID: ids[1], Consumer: "alice", RetryCount: 1}}, pending)
	is(f, []string{ids[1]})(r.XClaimJustID(ctx, &redis.XClaimArgs{Stream: "s", Group: "g", Consumer: "bob",
		Messages: []string{ids[1]}}).Result())
	isOf(f, []redis.XMessage{message(ids[1], 1), message(ids[2], 2)}, "0-0")(r.XAutoClaim(ctx, &redis.XAutoClaimArgs{
		Stream: "s", Group: "g", Consumer: "bob", Start: "0"}).Result())
	is(f, []redis.XInfoGroup{{Name: "g", Consumers: 2, Pending: 2, LastDeliveredID: ids[2], EntriesRead: 3, Lag: 2}})(
		r.XInfoGroups(ctx, "s").Result())
	consumers := value[[]redis.XInfoConsumer](f)(r.XInfoConsumers(ctx, "s", "g").Result())
	equal(f, []interface{}{"alice", int64(0), "bob", int64(2)},
		[]interface{}{consumers[0].Name, consumers[0].Pending, consumers[1].Name, consumers[1].Pending})
	full := value[*redis.XInfoStreamFull](f)(r.XInfoStreamFull(ctx, "s", 0).Result())
	group := full.Groups[0]
	equal(f, []interface{}{5, "g", 2, ids[1]},
		[]interface{}{len(full.Entries), group.Name, len(group.Pending), group.Pending[0].ID})
	is[int64](f, 2)(r.XGroupDelConsumer(ctx, "s", "g", "bob").Result())
	is[int64](f, 1)(r.XGroupDestroy(ctx, "s", "g").Result())
}

func testBlocking(f *fixture) {
	ctx, r, waiter := f.ctx, f.r, f.connect()
	popped := later(f, func() ([]string, error) { return waiter.BLPop(ctx, 0, "l1", "l2").Result() })
	is[int64](f, 2)(r.RPush(ctx, "l2", "x", "y").Result())
	is(f, []string{"l2", "x"})(popped())

	moved := later(f, func() (string, error) { return waiter.BLMove(ctx, "from", "to", "LEFT", "RIGHT", 0).Result() })
	is[int64](f, 1)(r.RPush(ctx, "from", "moved").Result())
	is(f, "moved")(moved())
	is(f, []string{"moved"})(r.LRange(ctx, "to", 0, -1).Result())

	several := later(f, func() ([]string, error) {
		key, values, err := waiter.BLMPop(ctx, 0, "right", 5, "m").Result()
		return append(values, key), err
	})
	is[int64](f, 2)(r.RPush(ctx, "m", 1, 2).Result())
	is(f, []string{"2", "1", "m"})(several())

	least := later(f, func() (*redis.ZWithKey, error) { return waiter.BZPopMin(ctx, 0, "z").Result() })
	is[int64](f, 2)(r.ZAdd(ctx, "z", redis.Z{Score: 2, Member: "two"}, redis.Z{Score: 1.5, Member: "one"}).Result())
	is(f, &redis.ZWithKey{Key: "z", Z: redis.Z{Score: 1.5, Member: "one"}})(least())

	// By hand, since its own calls wait whole seconds.
	isNil(f, waiter.Do(ctx, "BLPOP", "nosuch", "0.01"))
	isNil(f, waiter.Do(ctx, "BZPOPMAX", "nosuch", "0.01"))
	isNil(f, waiter.Do(ctx, "BLMOVE", "nosuch", "to", "LEFT", "LEFT", "0.01"))
}

func testBlockingStreams(f *fixture) {
	ctx, r, waiter := f.ctx, f.r, f.connect()
	is(f, "OK")(r.XGroupCreateMkStream(ctx, "s", "g", "$").Result())
	grouped := later(f, func() ([]redis.XStream, error) {
		return waiter.XReadGroup(ctx, readGroup("g", "c", 1)).Result()
	})
	is(f, read(message(add(f, 1), 1)))(grouped())

	ungrouped := later(f, func() ([]redis.XStream, error) {
		return waiter.XRead(ctx, &redis.XReadArgs{Streams: []string{"s", "$"}}).Result()
	})
	is(f, read(message(add(f, 2), 2)))(ungrouped())
	isNil(f, waiter.XRead(ctx, &redis.XReadArgs{Streams: []string{"s", "$"}, Block: 10 * time.Millisecond}))
}

// next waits for the next thing that the server sends to a subscriber.
func next(f *fixture, subscriber *redis.PubSub) (interface{}, error) {
	return subscriber.ReceiveTimeout(f.ctx, waitMax)
}

func testPubSub(f *fixture) {
	ctx, r := f.ctx, f.r
	subscriber := r.Subscribe(ctx, "news", "other")
	defer subscriber.Close()
	is[interface{}](f, &redis.Subscription{Kind: "subscribe", Channel: "news", Count: 1})(next(f, subscriber))
	is[interface{}](f, &redis.Subscription{Kind: "subscribe", Channel: "other", Count: 2})(next(f, subscriber))
	equal(f, nil, subscriber.PSubscribe(ctx, "n?ws"))
	is[interface{}](f, &redis.Subscription{Kind: "psubscribe", Channel: "n?ws", Count: 3})(next(f, subscriber))
	is[int64](f, 2)(r.Publish(ctx, "news", "hello").Result())
	is[interface{}](f, &redis.Message{Channel: "news", Payload: "hello"})(next(f, subscriber))
	is[interface{}](f, &redis.Message{Channel: "news", Pattern: "n?ws", Payload: "hello"})(next(f, subscriber))
	equal(f, nil, subscriber.Ping(ctx, "there"))
	is[interface{}](f, "Pong<there>")(text(next(f, subscriber)))

	is(f, []string{"news", "other"})(sorted(r.PubSubChannels(ctx, "*").Result()))
	is(f, map[string]int64{"news": 1, "nosuch": 0})(r.PubSubNumSub(ctx, "news", "nosuch").Result())
	is[int64](f, 1)(r.PubSubNumPat(ctx).Result())
	equal(f, nil, subscriber.Unsubscribe(ctx, "news"))
	is[interface{}](f, &redis.Subscription{Kind: "unsubscribe", Channel: "news", Count: 2})(next(f, subscriber))
	is[int64](f, 1)(r.Publish(ctx, "news", "by the pattern").Result())
	is[interface{}](f, &redis.Message{Channel: "news", Pattern: "n?ws", Payload: "by the pattern"})(next(f, subscriber))

	sharded := r.SSubscribe(ctx, "shard")
	defer sharded.Close()
	is[interface{}](f, &redis.Subscription{Kind: "ssubscribe", Channel: "shard", Count: 1})(next(f, sharded))
	is[int64](f, 1)(r.SPublish(ctx, "shard", "one").Result())
	is[interface{}](f, &redis.Message{Channel: "shard", Payload: "one"})(next(f, sharded))
	is(f, []string{"shard"})(r.PubSubShardChannels(ctx, "*").Result())
}

func text(reply interface{}, err error) (interface{}, error) {
	return fmt.Sprint(reply), err
}

func testPipelines(f *fixture) {
	ctx, r := f.ctx, f.r
	pipeline := r.Pipeline()
	for i := 0; i < 1000; i++ {
		pipeline.RPush(ctx, "l", i)
		pipeline.LIndex(ctx, "l", -1)
	}
	replies := value[[]redis.Cmder](f)(pipeline.Exec(ctx))
	equal(f, 2000, len(replies))
	for i := 0; i < 1000; i++ {
		is(f, int64(i+1))(replies[2*i].(*redis.IntCmd).Result())
		is(f, fmt.Sprint(i))(replies[2*i+1].(*redis.StringCmd).Result())
	}

	var wrong *redis.IntCmd
	var right *redis.MapStringStringCmd
	_, err := r.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.HSet(ctx, "h", "f", "v")
		wrong = pipe.SAdd(ctx, "l", "x")
		right = pipe.HGetAll(ctx, "h")
		return nil
	})
	equal(f, true, redis.HasErrorPrefix(err, "WRONGTYPE "))
	fails(f, "WRONGTYPE ", wrong)
	is(f, map[string]string{"f": "v"})(right.Result())
}

func testTransactions(f *fixture) {
	ctx, r := f.ctx, f.r
	replies, err := r.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.Set(ctx, "k", 1, 0)
		pipe.Incr(ctx, "k")
		pipe.HSet(ctx, "k", "f", "v")
		pipe.ZAdd(ctx, "z", redis.Z{Score: 0.5, Member: "m"})
		pipe.ZScore(ctx, "z", "m")
		return nil
	})
	equal(f, true, redis.HasErrorPrefix(err, "WRONGTYPE "))
	equal(f, int64(2), replies[1].(*redis.IntCmd).Val())
	fails(f, "WRONGTYPE ", replies[2])
	is(f, 0.5)(replies[4].(*redis.FloatCmd).Result())

	get := func(tx *redis.Tx) error {
		_, err := tx.TxPipelined(ctx, func(pipe redis.Pipeliner) error { return pipe.Append(ctx, "k", "0").Err() })
		return err
	}
	equal[error](f, redis.TxFailedErr, r.Watch(ctx, func(tx *redis.Tx) error {
		is(f, "OK")(r.Set(ctx, "k", "changed", 0).Result())
		return get(tx)
	}, "k"))
	equal(f, nil, r.Watch(ctx, get, "k"))
	is(f, "changed0")(r.Get(ctx, "k").Result())
}
