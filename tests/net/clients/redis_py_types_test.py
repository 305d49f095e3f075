"""python3-redis against one server: lists, hashes, sets, sorted sets, streams, bitmaps, commands that wait,
and pub/sub.

Usage: redis_py_types_test.py SERVER
"""

import threading
import time

import redis

import redis_py_base
import server


class ListTest(redis_py_base.RedisPyTest):

    def test_both_ends(self):
        self.assertEqual((self.r.rpush('l', 'c', 'd'), self.r.lpush('l', 'b', 'a')), (2, 4))
        self.assertEqual(self.r.lrange('l', 0, -1), [b'a', b'b', b'c', b'd'])
        self.assertEqual((self.r.lpop('l'), self.r.rpop('l', 2), self.r.llen('l')), (b'a', [b'd', b'c'], 1))
        self.assertEqual((self.r.lpushx('l', 'x'), self.r.rpushx('nosuch', 'x')), (2, 0))
        self.assertEqual((self.r.lpop('l', 9), self.r.lpop('l'), self.r.exists('l')), ([b'x', b'b'], None, 0))

    def test_by_position_and_value(self):
        self.r.rpush('l', *'abcabc')
        self.assertEqual((self.r.lindex('l', -2), self.r.lindex('l', 99)), (b'b', None))
        self.assertIs(self.r.lset('l', 0, 'A'), True)
        self.assertEqual(self.r.linsert('l', 'before', 'b', 'new'), 7)
        self.assertEqual(self.r.lpos('l', 'b', count=0), [2, 5])
        self.assertEqual(self.r.lrem('l', -1, 'c'), 1)
        self.assertIs(self.r.ltrim('l', 1, -2), True)
        self.assertEqual(self.r.lrange('l', 0, -1), [b'new', b'b', b'c', b'a'])
        with self.assertRaisesRegex(redis.ResponseError, 'index out of range'):
            self.r.lset('l', 4, 'x')

    def test_from_list_to_list(self):
        self.r.rpush('from', 1, 2, 3)
        self.assertEqual(self.r.lmove('from', 'to', 'RIGHT', 'LEFT'), b'3')
        self.assertEqual(self.r.rpoplpush('from', 'to'), b'2')
        self.assertEqual(self.r.lrange('to', 0, -1), [b'2', b'3'])
        self.assertEqual(self.r.lmpop(2, 'nosuch', 'to', direction='RIGHT', count=5), [b'to', [b'3', b'2']])

    def test_100_000_elements(self):
        with self.r.pipeline(transaction=False) as pipe:
            for start in range(0, 100_000, 1000):
                pipe.rpush('l', *range(start, start + 1000))
            self.assertEqual(pipe.execute()[-1], 100_000)
        self.assertEqual([int(v) for v in self.r.lrange('l', 0, -1)], list(range(100_000)))
        self.assertEqual((self.r.lindex('l', 65_432), self.r.object('encoding', 'l')), (b'65432', b'quicklist'))


class HashTest(redis_py_base.RedisPyTest):

    def test_fields(self):
        self.assertEqual(self.r.hset('h', mapping={'a': 1, 'b': 'two', 'c': b'\0\xff'}), 3)
        self.assertEqual(self.r.hset('h', 'a', 2), 0)
        self.assertEqual(self.r.hgetall('h'), {b'a': b'2', b'b': b'two', b'c': b'\0\xff'})
        self.assertEqual(self.r.hmget('h', 'a', 'nosuch'), [b'2', None])
        self.assertEqual((self.r.hlen('h'), self.r.hexists('h', 'b'), self.r.hstrlen('h', 'b')), (3, True, 3))
        self.assertEqual((self.r.hkeys('h'), self.r.hvals('h')), ([b'a', b'b', b'c'], [b'2', b'two', b'\0\xff']))
        self.assertEqual((self.r.hsetnx('h', 'a', 9), self.r.hsetnx('h', 'd', 9)), (0, 1))
        self.assertEqual((self.r.hincrby('h', 'a', 40), self.r.hincrbyfloat('h', 'f', 0.5)), (42, 0.5))
        self.assertEqual(self.r.hdel('h', 'a', 'b', 'c', 'd', 'f', 'nosuch'), 5)
        self.assertEqual((self.r.exists('h'), self.r.hgetall('h')), (0, {}))

    def test_scan_and_random(self):
        mapping = {f'field:{i}'.encode(): str(i).encode() for i in range(2000)}
        self.r.hset('h', mapping=mapping)
        self.assertEqual(dict(self.r.hscan_iter('h', count=50)), mapping)
        self.assertEqual(len(list(self.r.hscan_iter('h', match='field:1?'))), 10)
        field, value = self.r.hrandfield('h', 1, withvalues=True)
        self.assertEqual(mapping[field], value)
        self.assertEqual(len(set(self.r.hrandfield('h', 100))), 100)
        self.assertEqual(len(self.r.hrandfield('h', -3000)), 3000)


class SetTest(redis_py_base.RedisPyTest):

    def test_members(self):
        self.assertEqual((self.r.sadd('s', 'a', 'b', 'c', 'a'), self.r.sadd('s', 'a')), (3, 0))
        self.assertEqual(self.r.smembers('s'), {b'a', b'b', b'c'})
        self.assertEqual((self.r.scard('s'), self.r.sismember('s', 'a')), (3, True))
        self.assertEqual(self.r.smismember('s', ['a', 'x']), [1, 0])
        self.assertIs(self.r.smove('s', 'other', 'a'), True)
        self.assertIn(self.r.srandmember('s'), (b'b', b'c'))
        self.assertEqual(set(self.r.spop('s', 5)), {b'b', b'c'})
        self.assertEqual((self.r.spop('s'), self.r.srem('other', 'a', 'b')), (None, 1))

    def test_algebra(self):
        self.r.sadd('a', *range(1000))
        self.r.sadd('b', *range(500, 1500))
        self.assertEqual((len(self.r.sinter('a', 'b')), self.r.sintercard(2, ['a', 'b'], limit=7)), (500, 7))
        self.assertEqual({int(member) for member in self.r.sdiff('a', 'b')}, set(range(500)))
        self.assertEqual((self.r.sunionstore('u', 'a', 'b'), self.r.object('encoding', 'u')), (1500, b'hashtable'))
        self.assertEqual({int(member) for member in self.r.sscan_iter('u', count=20)}, set(range(1500)))


class SortedSetTest(redis_py_base.RedisPyTest):

    def test_members_and_scores(self):
        self.assertEqual(self.r.zadd('z', {'a': 1, 'b': 2.5, 'c': float('inf')}), 3)
        self.assertEqual(self.r.zadd('z', {'a': 1, 'b': 3, 'd': 0}, xx=True, ch=True), 1)
        self.assertEqual(self.r.zadd('z', {'a': 5}, incr=True), 6.0)
        self.assertIsNone(self.r.zadd('z', {'a': 5}, nx=True, incr=True))
        self.assertEqual((self.r.zscore('z', 'c'), self.r.zscore('z', 'nosuch')), (float('inf'), None))
        self.assertEqual(self.r.zmscore('z', ['b', 'nosuch']), [3.0, None])
        self.assertEqual((self.r.zrank('z', 'b'), self.r.zrevrank('z', 'b')), (0, 2))
        self.assertEqual(self.r.zincrby('z', -0.5, 'b'), 2.5)
        self.assertEqual((self.r.zcard('z'), self.r.zrem('z', 'a', 'nosuch')), (3, 1))

    def test_ranges(self):
        self.r.zadd('z', {f'm{i:03}': i for i in range(200)})
        self.assertEqual(self.r.zrange('z', 0, 1, withscores=True), [(b'm000', 0.0), (b'm001', 1.0)])
        self.assertEqual(self.r.zrange('z', 0, 0, desc=True), [b'm199'])
        self.assertEqual(self.r.zrangebyscore('z', '(10', 12), [b'm011', b'm012'])
        self.assertEqual(self.r.zrevrangebyscore('z', '+inf', '-inf', start=1, num=1), [b'm198'])
        self.assertEqual(self.r.zrange('z', '[m100', '(m102', bylex=True), [b'm100', b'm101'])
        self.assertEqual(self.r.zrangestore('copy', 'z', 50, 59, byscore=True), 10)
        self.assertEqual((self.r.zcount('z', 5, '(9'), self.r.zlexcount('z', '-', '[m009')), (4, 10))
        self.assertEqual(self.r.zremrangebyrank('z', 0, 99), 100)
        self.assertEqual(self.r.zpopmin('z', 2), [(b'm100', 100.0), (b'm101', 101.0)])
        self.assertEqual(self.r.zpopmax('z'), [(b'm199', 199.0)])
        self.assertEqual(self.r.zmpop(2, ['nosuch', 'copy'], min=True), [b'copy', [[b'm050', b'50']]])
        self.assertEqual(len(dict(self.r.zscan_iter('z', count=10))), 97)

    def test_algebra(self):
        self.r.zadd('a', {'x': 1, 'y': 2})
        self.r.zadd('b', {'y': 10, 'z': 20})
        self.assertEqual(self.r.zunionstore('u', {'a': 2, 'b': 1}, aggregate='MAX'), 3)
        self.assertEqual(self.r.zrange('u', 0, -1, withscores=True), [(b'x', 2.0), (b'y', 10.0), (b'z', 20.0)])
        self.assertEqual(self.r.zinter(['a', 'b'], withscores=True), [(b'y', 12.0)])
        self.assertEqual(self.r.zdiff(['a', 'b']), [b'x'])
        self.assertEqual(self.r.zintercard(2, ['a', 'b']), 1)


class StreamTest(redis_py_base.RedisPyTest):

    def test_entries(self):
        first = self.r.xadd('s', {'a': 1, 'b': 'two'})
        self.assertEqual(self.r.xadd('s', {'n': 2}, id='9999999999999-5'), b'9999999999999-5')
        with self.assertRaisesRegex(redis.ResponseError, 'equal or smaller than the target stream top item'):
            self.r.xadd('s', {'n': 3}, id='1-1')
        self.assertEqual(self.r.xrange('s'), [(first, {b'a': b'1', b'b': b'two'}), (b'9999999999999-5', {b'n': b'2'})])
        self.assertEqual(self.r.xrevrange('s', count=1), [(b'9999999999999-5', {b'n': b'2'})])
        self.assertEqual(self.r.xread({'s': first}), [[b's', [(b'9999999999999-5', {b'n': b'2'})]]])
        self.assertEqual((self.r.xlen('s'), self.r.xdel('s', first)), (2, 1))
        for i in range(100):
            self.r.xadd('s', {'i': i}, maxlen=10, approximate=False)
        self.assertEqual((self.r.xlen('s'), self.r.xtrim('s', maxlen=4, approximate=False)), (10, 6))
        info = self.r.xinfo_stream('s')
        self.assertEqual((info['length'], info['entries-added'], info['groups']), (4, 102, 0))

    def test_group(self):
        ids = [self.r.xadd('s', {'i': i}) for i in range(10)]
        self.assertIs(self.r.xgroup_create('s', 'g', '0'), True)
        with self.assertRaisesRegex(redis.ResponseError, 'BUSYGROUP'):
            self.r.xgroup_create('s', 'g', '0')
        taken = self.r.xreadgroup('g', 'alice', {'s': '>'}, count=6)
        self.assertEqual([entry for entry, _ in taken[0][1]], ids[:6])
        self.assertEqual(self.r.xack('s', 'g', *ids[:2]), 2)
        self.r.xreadgroup('g', 'bob', {'s': '>'})
        pending = self.r.xpending('s', 'g')
        self.assertEqual((pending['pending'], pending['min'], pending['max']), (8, ids[2], ids[9]))
        self.assertEqual(pending['consumers'], [{'name': b'alice', 'pending': 4}, {'name': b'bob', 'pending': 4}])
        detail = self.r.xpending_range('s', 'g', '-', '+', 1, consumername='bob')
        self.assertEqual((detail[0]['message_id'], detail[0]['times_delivered']), (ids[6], 1))
        self.assertEqual([entry for entry, _ in self.r.xclaim('s', 'g', 'bob', 0, ids[2:4])], ids[2:4])
        cursor, claimed, deleted = self.r.xautoclaim('s', 'g', 'bob', 0, count=3)
        self.assertEqual((cursor, [entry for entry, _ in claimed], deleted), (ids[5], ids[2:5], []))
        groups = self.r.xinfo_groups('s')
        self.assertEqual((groups[0]['consumers'], groups[0]['pending'], groups[0]['lag']), (2, 8, 0))
        self.assertEqual({c['name']: c['pending'] for c in self.r.xinfo_consumers('s', 'g')}, {b'alice': 1, b'bob': 7})
        self.assertEqual(self.r.xgroup_delconsumer('s', 'g', 'bob'), 7)
        self.assertEqual(self.r.xreadgroup('g', 'alice', {'s': '0'})[0][1][0][0], ids[5])
        self.assertEqual(self.r.xgroup_destroy('s', 'g'), 1)

    def test_consumers_share_the_work(self):
        self.r.xgroup_create('jobs', 'workers', mkstream=True)
        with self.r.pipeline(transaction=False) as pipe:
            for i in range(400):
                pipe.xadd('jobs', {'n': i})
            pipe.execute()

        def work(i):
            client, done = self.client(), []
            while True:
                answer = client.xreadgroup('workers', f'worker-{i}', {'jobs': '>'}, count=7)
                if not answer:
                    return done
                for entry, fields in answer[0][1]:
                    done.append(int(fields[b'n']))
                    self.assertEqual(client.xack('jobs', 'workers', entry), 1)

        done = redis_py_base.in_threads(4, work)
        self.assertEqual(sorted(n for each in done for n in each), list(range(400)))
        self.assertEqual(self.r.xpending('jobs', 'workers')['pending'], 0)


class OtherTypesTest(redis_py_base.RedisPyTest):

    def test_bitmap(self):
        self.assertEqual((self.r.setbit('b', 7, 1), self.r.setbit('b', 7, 1), self.r.getbit('b', 7)), (0, 1, 1))
        self.r.set('c', b'\xff\x0f')
        self.assertEqual((self.r.bitcount('c'), self.r.bitpos('c', 0), self.r.bitop('AND', 'd', 'b', 'c')), (12, 8, 2))
        self.assertEqual(self.r.get('d'), b'\x01\x00')
        field = self.r.bitfield('f', default_overflow='SAT')
        self.assertEqual(field.set('u8', 0, 250).incrby('u8', 0, 10).get('u4', 0).execute(), [0, 255, 15])

    def test_hyperloglog(self):
        self.assertEqual(self.r.pfadd('a', *range(10_000)), 1)
        self.r.pfadd('b', *range(5_000, 15_000))
        self.assertTrue(9_700 < self.r.pfcount('a') < 10_300)
        self.assertTrue(14_500 < self.r.pfcount('a', 'b') < 15_500)
        self.assertIs(self.r.pfmerge('c', 'a', 'b'), True)
        self.assertEqual(self.r.pfcount('c'), self.r.pfcount('a', 'b'))

    def test_sort(self):
        self.r.rpush('l', 3, 1, 2)
        self.r.mset({'w1': 30, 'w2': 20, 'w3': 10, 'o1': 'one', 'o2': 'two', 'o3': 'three'})
        self.assertEqual(self.r.sort('l', desc=True), [b'3', b'2', b'1'])
        self.assertEqual(self.r.sort('l', by='w*', get=['#', 'o*'], groups=True),
                         [(b'3', b'three'), (b'2', b'two'), (b'1', b'one')])
        self.assertEqual(self.r.sort('l', start=0, num=2, store='out'), 2)

    def test_wrong_type(self):
        self.r.sadd('s', 'a')
        for call in (lambda: self.r.get('s'), lambda: self.r.lpush('s', 1), lambda: self.r.hset('s', 'f', 1),
                     lambda: self.r.zadd('s', {'a': 1}), lambda: self.r.xadd('s', {'a': 1})):
            with self.assertRaisesRegex(redis.ResponseError, 'WRONGTYPE|wrong kind of value'):
                call()

    def test_pipeline_of_all_types(self):
        for transaction in (True, False):
            self.r.flushall()
            with self.r.pipeline(transaction=transaction) as pipe:
                pipe.rpush('l', 1, 2).hset('h', 'f', 'v').sadd('s', 'm').zadd('z', {'m': 1.5})
                pipe.xadd('x', {'f': 'v'}, id='1-1').hgetall('h').smembers('s').zrange('z', 0, -1, withscores=True)
                pipe.xrange('x').get('l').lrange('l', 0, -1)
                answers = pipe.execute(raise_on_error=False)
            self.assertIsInstance(answers.pop(9), redis.ResponseError)
            self.assertEqual(answers, [2, 1, 1, 1, b'1-1', {b'f': b'v'}, {b'm'}, [(b'm', 1.5)],
                                       [(b'1-1', {b'f': b'v'})], [b'1', b'2']])
        self.assertEqual([self.r.type(key) for key in 'lhszx'], [b'list', b'hash', b'set', b'zset', b'stream'])
        self.assertEqual(list(self.r.scan_iter(_type='HASH')), [b'h'])


class BlockingTest(redis_py_base.RedisPyTest):

    def wait_until_blocked(self, count):
        end = time.monotonic() + server.CLIENT_S_MAX
        while self.r.info('clients')['blocked_clients'] != count:
            self.assertLess(time.monotonic(), end)

    def test_pop_of_what_is_there(self):
        self.r.rpush('l', 1, 2, 3)
        self.r.zadd('z', {'a': 1, 'b': 2})
        self.assertEqual(self.r.blpop(['nosuch', 'l'], timeout=1), (b'l', b'1'))
        self.assertEqual(self.r.brpop('l', timeout=1), (b'l', b'3'))
        self.assertEqual(self.r.blmove('l', 'to', timeout=1), b'2')
        self.assertEqual(self.r.brpoplpush('to', 'l', timeout=1), b'2')
        self.assertEqual(self.r.blmpop(1, 2, 'nosuch', 'l', direction='LEFT', count=9), [b'l', [b'2']])
        self.assertEqual(self.r.bzpopmin('z', timeout=1), (b'z', b'a', 1.0))
        self.assertEqual(self.r.bzpopmax('z', timeout=1), (b'z', b'b', 2.0))

    def test_timeout(self):
        self.assertIsNone(self.r.blpop('nosuch', timeout=0.01))
        self.assertIsNone(self.r.bzpopmin('nosuch', timeout=0.01))
        self.assertIsNone(self.r.blmove('nosuch', 'to', timeout=0.01))
        self.assertEqual(self.r.xread({'nosuch': '$'}, block=10), [])

    def test_first_come_first_served(self):
        got = []

        def work(i):
            if i == 4:
                for served in range(4):
                    self.wait_until_blocked(4 - served)
                    self.r.rpush('l', f'job {served}')
                return
            self.wait_until_blocked(i)
            got.append((self.client().blpop('l', timeout=server.CLIENT_S_MAX)[1], i))

        redis_py_base.in_threads(5, work)
        self.assertEqual(sorted(got), [(f'job {i}'.encode(), i) for i in range(4)])

    def test_each_type_wakes_its_waiters(self):
        for block, give, answer in (
                (lambda client: client.brpop('l', timeout=server.CLIENT_S_MAX), lambda: self.r.lpush('l', 'v'),
                 (b'l', b'v')),
                (lambda client: client.blmove('from', 'to', server.CLIENT_S_MAX), lambda: self.r.lpush('from', 'v'),
                 b'v'),
                (lambda client: client.bzpopmax('z', timeout=server.CLIENT_S_MAX), lambda: self.r.zadd('z', {'m': 3}),
                 (b'z', b'm', 3.0)),
                (lambda client: client.xread({'s': '$'}, block=server.CLIENT_S_MAX * 1000),
                 lambda: self.r.xadd('s', {'f': 'v'}, id='5-1'), [[b's', [(b'5-1', {b'f': b'v'})]]])):

            def work(i, block=block, give=give):
                if i == 0:
                    return block(self.client())
                self.wait_until_blocked(1)
                return give()

            self.assertEqual(redis_py_base.in_threads(2, work)[0], answer)

    def test_group_of_a_stream_waits(self):
        self.r.xgroup_create('s', 'g', mkstream=True)

        def work(i):
            if i == 0:
                return self.client().xreadgroup('g', 'c', {'s': '>'}, block=server.CLIENT_S_MAX * 1000)
            self.wait_until_blocked(1)
            return self.r.xadd('s', {'f': 'v'}, id='1-1')

        self.assertEqual(redis_py_base.in_threads(2, work)[0], [[b's', [(b'1-1', {b'f': b'v'})]]])
        self.assertEqual(self.r.xpending('s', 'g')['pending'], 1)

    def test_client_unblock(self):
        client = self.client(single_connection_client=True)
        number = client.client_id()

        def work(i):
            if i == 0:
                return client.blpop('nosuch', timeout=server.CLIENT_S_MAX)
            self.wait_until_blocked(1)
            return self.r.client_unblock(number)

        self.assertEqual(redis_py_base.in_threads(2, work), [None, True])


class PubSubTest(redis_py_base.RedisPyTest):

    def subscriber(self, **options):
        subscriber = self.r.pubsub(**options)
        self.addCleanup(subscriber.close)
        return subscriber

    def next(self, subscriber):
        """The next message, waited for."""
        message = subscriber.get_message(timeout=server.CLIENT_S_MAX)
        self.assertIsNotNone(message)
        return message['type'], message['pattern'], message['channel'], message['data']

    def test_channels_and_patterns(self):
        subscriber = self.subscriber()
        subscriber.subscribe('news')
        subscriber.psubscribe('n?ws*')
        self.assertEqual(self.next(subscriber), ('subscribe', None, b'news', 1))
        self.assertEqual(self.next(subscriber), ('psubscribe', None, b'n?ws*', 2))
        self.assertEqual(self.r.publish('news', 'hello'), 2)
        self.assertEqual(self.next(subscriber), ('message', None, b'news', b'hello'))
        self.assertEqual(self.next(subscriber), ('pmessage', b'n?ws*', b'news', b'hello'))
        self.assertEqual((self.r.pubsub_channels(), self.r.pubsub_numpat()), ([b'news'], 1))
        self.assertEqual(self.r.pubsub_numsub('news', 'nosuch'), [(b'news', 1), (b'nosuch', 0)])
        subscriber.unsubscribe()
        self.assertEqual(self.next(subscriber), ('unsubscribe', None, b'news', 1))
        self.assertEqual(self.r.publish('news', 'again'), 1)
        self.assertEqual(self.next(subscriber), ('pmessage', b'n?ws*', b'news', b'again'))
        self.assertEqual(self.r.publish('other', 'nobody'), 0)

    def test_ping_while_subscribed(self):
        subscriber = self.subscriber()
        subscriber.subscribe('c')
        self.next(subscriber)
        subscriber.ping('hällo')
        self.assertEqual(self.next(subscriber), ('pong', None, None, 'hällo'.encode()))

    def test_thread_gets_all_in_order(self):
        got, all_are_here = [], threading.Event()

        def receive(message):
            got.append(int(message['data']))
            if len(got) == 5000:
                all_are_here.set()

        subscriber = self.subscriber(ignore_subscribe_messages=True)
        subscriber.subscribe(numbers=receive)
        self.assertIsNone(subscriber.get_message(timeout=server.CLIENT_S_MAX))  # the subscription's own answer
        thread = subscriber.run_in_thread(sleep_time=0.1)
        with self.r.pipeline(transaction=False) as pipe:
            for i in range(5000):
                pipe.publish('numbers', i)
            self.assertEqual(set(pipe.execute()), {1})
        self.assertTrue(all_are_here.wait(server.CLIENT_S_MAX))
        thread.stop()
        thread.join()
        self.assertEqual(got, list(range(5000)))

    def test_keyspace_events(self):
        self.assertIs(self.r.config_set('notify-keyspace-events', 'KEA'), True)
        self.addCleanup(self.r.config_set, 'notify-keyspace-events', '')
        subscriber = self.subscriber(ignore_subscribe_messages=True)
        subscriber.psubscribe('__keyspace@0__:*')
        self.assertIsNone(subscriber.get_message(timeout=server.CLIENT_S_MAX))  # the subscription's own answer
        self.r.set('k', 'v', ex=100)
        self.r.rpush('l', 1)
        self.r.lpop('l')
        events = [self.next(subscriber)[2:] for _ in range(5)]
        self.assertEqual(events, [(b'__keyspace@0__:k', b'set'), (b'__keyspace@0__:k', b'expire'),
                                  (b'__keyspace@0__:l', b'rpush'), (b'__keyspace@0__:l', b'lpop'),
                                  (b'__keyspace@0__:l', b'del')])


if __name__ == '__main__':
    server.main()
