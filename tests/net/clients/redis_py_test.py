"""python3-redis, the client of most Python programs, against one server: values, keys, pipelines and transactions.

Usage: redis_py_test.py SERVER
"""

import time

import redis

import redis_py_base
import server


class ValuesTest(redis_py_base.RedisPyTest):

    def test_tcp_and_unix_socket_reach_the_same_keys(self):
        tcp = redis.Redis(host='127.0.0.1', port=self.server.port)
        by_url = redis.Redis.from_url(f'redis://127.0.0.1:{self.server.port}/0', decode_responses=True)
        self.assertIs(tcp.set('k', 'v'), True)
        self.assertEqual((self.r.get('k'), by_url.get('k')), (b'v', 'v'))
        tcp.close()
        by_url.close()

    def test_values_are_bytes_unless_decoded(self):
        self.r.set('grüße', 'smørrebrød')
        self.assertEqual(self.r.get('grüße'), 'smørrebrød'.encode())
        decoding = self.client(decode_responses=True)
        self.assertEqual(decoding.get('grüße'), 'smørrebrød')
        self.assertEqual(decoding.keys(), ['grüße'])
        self.assertIsNone(decoding.get('nosuch'))
        self.r.set('latin', 'é'.encode('latin-1'))
        with self.assertRaises(UnicodeDecodeError):
            decoding.get('latin')

    def test_every_byte_in_key_and_value(self):
        everything = bytes(range(256))
        self.assertIs(self.r.set(everything, everything[::-1]), True)
        self.assertEqual(self.r.get(everything), everything[::-1])
        self.assertEqual(self.r.keys(), [everything])
        self.assertEqual(self.r.getrange(everything, 0, 1), b'\xff\xfe')
        self.assertEqual(self.r.strlen(everything), 256)

    def test_value_of_5_mb(self):
        big = bytes(i * 7 & 255 for i in range(65_537)) * 80
        self.assertGreater(len(big), 5_000_000)
        self.r.set('big', big)
        self.assertEqual(self.r.get('big'), big)
        self.assertEqual(self.r.append('big', b'end'), len(big) + 3)
        self.assertEqual(self.r.getrange('big', -5, -1), big[-2:] + b'end')
        self.assertEqual(self.r.copy('big', 'another'), True)
        self.assertEqual(self.r.mget('another', 'big')[0], big + b'end')
        with self.r.pipeline(transaction=False) as pipe:
            for i in range(20):
                pipe.set(f'part:{i}', big[i * 250_000:(i + 1) * 250_000])
            pipe.mget(f'part:{i}' for i in range(20))
            self.assertEqual(b''.join(pipe.execute()[-1]), big[:5_000_000])

    def test_options_of_set(self):
        self.assertIs(self.r.set('k', 1, nx=True), True)
        self.assertIsNone(self.r.set('k', 2, nx=True))
        self.assertIsNone(self.r.set('nosuch', 2, xx=True))
        self.assertEqual(self.r.set('k', 3, xx=True, get=True), b'1')
        self.r.set('k', 4, px=500_000)
        self.assertTrue(490 < self.r.ttl('k') <= 500)
        self.r.set('k', 5, keepttl=True)
        self.assertTrue(490_000 < self.r.pttl('k') <= 500_000)
        self.r.set('k', 6, exat=33_177_117_420)
        self.assertEqual(self.r.execute_command('EXPIRETIME', 'k'), 33_177_117_420)
        self.r.set('k', 7)
        self.assertEqual(self.r.ttl('k'), -1)

    def test_getex_getdel_getset(self):
        self.r.set('k', 'v')
        self.assertEqual(self.r.getex('k', ex=100), b'v')
        self.assertTrue(90 < self.r.ttl('k') <= 100)
        self.assertEqual(self.r.getex('k', persist=True), b'v')
        self.assertEqual(self.r.ttl('k'), -1)
        self.assertEqual(self.r.getset('k', 'w'), b'v')
        self.assertEqual(self.r.getdel('k'), b'w')
        self.assertIsNone(self.r.getdel('k'))

    def test_numbers(self):
        self.assertEqual((self.r.incr('n'), self.r.incrby('n', 41), self.r.decr('n', 2)), (1, 42, 40))
        self.assertEqual(self.r.incrbyfloat('f', 0.1), 0.1)
        self.assertEqual(self.r.incrbyfloat('f', '2.5e2'), 250.1)
        self.assertEqual(self.r.append('text', 'abc'), 3)
        self.assertEqual(self.r.setrange('text', 5, 'x'), 6)
        self.assertEqual(self.r.get('text'), b'abc\0\0x')

    def test_many_keys_at_once(self):
        self.assertIs(self.r.mset({f'k{i}': i for i in range(1000)}), True)
        self.assertEqual(self.r.mget([f'k{i}' for i in range(1001)]), [str(i).encode() for i in range(1000)] + [None])
        self.assertIs(self.r.msetnx({'k0': 0, 'new': 1}), False)
        self.assertEqual((self.r.exists('k0', 'k1', 'new'), self.r.touch('k0', 'new')), (2, 1))
        self.assertEqual(self.r.delete(*(f'k{i}' for i in range(500))), 500)
        self.assertEqual(self.r.unlink('k500', 'k0'), 1)
        self.assertEqual(self.r.dbsize(), 499)

    def test_lcs(self):
        self.r.mset({'a': 'ohmytext', 'b': 'mynewtext'})
        self.assertEqual(self.r.execute_command('LCS', 'a', 'b'), b'mytext')
        self.assertEqual(self.r.execute_command('LCS', 'a', 'b', 'IDX'),
                         [b'matches', [[[4, 7], [5, 8]], [[2, 3], [0, 1]]], b'len', 6])


class KeysTest(redis_py_base.RedisPyTest):

    def test_scan_iter_gives_every_key_once(self):
        with self.r.pipeline(transaction=False) as pipe:
            for i in range(3000):
                pipe.set(f'{"odd" if i % 2 else "even"}:{i}', i)
            pipe.execute()
        keys = list(self.r.scan_iter())
        self.assertEqual((len(keys), len(set(keys))), (3000, 3000))
        self.assertEqual(sorted(self.r.scan_iter(match='odd:*', count=100)),
                         sorted(f'odd:{i}'.encode() for i in range(1, 3000, 2)))
        self.assertEqual(list(self.r.scan_iter(_type='LIST')), [])
        cursor, _ = self.r.scan(count=10)
        self.assertTrue(0 < cursor < 1 << 48)

    def test_scan_iter_keeps_its_promise_while_others_write(self):
        staying = {f'staying:{i}'.encode() for i in range(2000)}
        self.r.mset({key: 1 for key in staying})
        other, seen = self.client(), set()
        for i, key in enumerate(self.r.scan_iter(count=20)):
            seen.add(key)
            other.set(f'coming:{i}', i)
            other.delete(f'coming:{i - 5}')
            if i == 100_000:
                self.fail('the scan does not end')
        self.assertLessEqual(staying, seen)

    def test_expiry(self):
        self.r.set('k', 'v')
        self.assertEqual((self.r.ttl('k'), self.r.ttl('nosuch')), (-1, -2))
        self.assertIs(self.r.expire('k', 100), True)
        self.assertTrue(90 < self.r.ttl('k') <= 100)
        self.assertIs(self.r.pexpire('k', 200_000), True)
        self.assertTrue(190_000 < self.r.pttl('k') <= 200_000)
        self.assertEqual(self.r.execute_command('EXPIRE', 'k', 100, 'GT'), 0)
        self.assertIs(self.r.persist('k'), True)
        self.assertIs(self.r.expireat('k', 33_177_117_420), True)
        self.assertEqual(self.r.execute_command('PEXPIRETIME', 'k'), 33_177_117_420_000)
        self.assertIs(self.r.expire('k', -1), True)
        self.assertEqual(self.r.exists('k'), 0)
        self.assertIs(self.r.expire('nosuch', 1), False)

    def test_key_is_gone_when_its_time_has_come(self):
        self.r.set('k', 'v', px=1)
        end = time.monotonic() + server.CLIENT_S_MAX
        while self.r.get('k') is not None:
            self.assertLess(time.monotonic(), end)
        self.assertEqual((self.r.ttl('k'), self.r.exists('k')), (-2, 0))

    def test_copy_move_and_rename(self):
        self.r.set('k', 'v', ex=100)
        self.assertIs(self.r.copy('k', 'copied'), True)
        self.assertTrue(90 < self.r.ttl('copied') <= 100)
        self.assertIs(self.r.copy('k', 'copied'), False)
        self.assertIs(self.r.copy('k', 'copied', replace=True), True)
        self.assertIs(self.r.copy('k', 'k', destination_db=5), True)
        self.assertIs(self.r.move('copied', 5), True)
        self.assertIs(self.r.rename('k', 'renamed'), True)
        self.assertIs(self.r.renamenx('renamed', 'renamed'), False)
        fifth = self.client(db=5)
        self.assertEqual(sorted(fifth.keys('*')), [b'copied', b'k'])
        self.assertIs(self.r.swapdb(0, 5), True)
        self.assertEqual((fifth.keys(), self.r.dbsize()), ([b'renamed'], 2))
        self.assertIs(fifth.flushdb(), True)
        self.assertEqual((fifth.dbsize(), self.r.dbsize()), (0, 2))
        self.assertIs(self.r.flushall(asynchronous=True), True)
        self.assertEqual(self.r.dbsize(), 0)

    def test_object_and_type(self):
        self.r.mset({'int': 12, 'short': 'abc', 'long': 'x' * 45})
        self.assertEqual([self.r.object('encoding', key) for key in ('int', 'short', 'long', 'nosuch')],
                         [b'int', b'embstr', b'raw', None])
        self.assertGreaterEqual(self.r.object('refcount', 'short'), 1)
        self.assertTrue(0 <= self.r.object('idletime', 'short') < 100)
        self.assertEqual((self.r.type('int'), self.r.type('nosuch')), (b'string', b'none'))
        self.assertIn(self.r.randomkey(), (b'int', b'short', b'long'))


class PipelineTest(redis_py_base.RedisPyTest):

    def test_transaction(self):
        with self.r.pipeline() as pipe:
            pipe.set('a', 1).incr('a').get('nosuch').mget('a', 'nosuch')
            self.assertEqual(pipe.execute(), [True, 2, None, [b'2', None]])

    def test_without_transaction(self):
        with self.r.pipeline(transaction=False) as pipe:
            for i in range(10_000):
                pipe.incrby('sum', i)
            self.assertEqual(pipe.execute()[-1], sum(range(10_000)))

    def test_error_of_one_command(self):
        for transaction in (True, False):
            with self.r.pipeline(transaction=transaction) as pipe:
                pipe.set('a', 'abc').incr('a').append('a', 'd')
                answers = pipe.execute(raise_on_error=False)
                self.assertEqual((answers[0], answers[2]), (True, 4))
                self.assertIsInstance(answers[1], redis.ResponseError)
                pipe.get('a').incr('a')
                with self.assertRaisesRegex(redis.ResponseError,
                                            r'Command # 2 \(INCRBY a 1\) .*value is not an integer or out of range'):
                    pipe.execute()

    def test_transaction_with_a_command_that_cannot_be_queued(self):
        with self.r.pipeline() as pipe:
            pipe.set('a', 1)
            pipe.execute_command('GET')
            with self.assertRaisesRegex(redis.ResponseError, 'wrong number of arguments'):
                pipe.execute()
        self.assertEqual(self.r.exists('a'), 0)
        with self.client(single_connection_client=True) as one:
            one.execute_command('MULTI')
            with self.assertRaises(redis.ResponseError):
                one.execute_command('NOSUCH')
            with self.assertRaisesRegex(redis.exceptions.ExecAbortError, 'discarded because of previous errors'):
                one.execute_command('EXEC')

    def test_watched_key_that_changes_is_a_watch_error(self):
        self.r.set('k', 1)
        with self.r.pipeline() as pipe:
            pipe.watch('k')
            self.assertEqual(pipe.get('k'), b'1')
            self.client().set('k', 2)
            pipe.multi()
            pipe.set('k', 3)
            with self.assertRaises(redis.WatchError):
                pipe.execute()
            self.assertEqual(self.r.get('k'), b'2')
            pipe.watch('k')
            pipe.unwatch()
            self.client().set('k', 4)
            pipe.multi()
            pipe.set('k', 5)
            self.assertEqual(pipe.execute(), [True])

    def test_optimistic_loop_loses_no_update(self):
        self.r.set('sum', 0)
        refused = []

        def add(pipe):
            value = int(pipe.get('sum'))
            pipe.multi()
            pipe.set('sum', value + 1)

        def work(i):
            client = self.client()
            for _ in range(50):
                while True:
                    with client.pipeline() as pipe:
                        try:
                            pipe.watch('sum')
                            add(pipe)
                            pipe.execute()
                            break
                        except redis.WatchError:
                            refused.append(i)
            client.transaction(add, 'sum')  # the same loop, the client's own

        redis_py_base.in_threads(4, work)
        self.assertEqual(self.r.get('sum'), b'204')

    def test_threads_share_a_pool(self):
        pool = redis.BlockingConnectionPool(connection_class=redis.UnixDomainSocketConnection, max_connections=4,
                                            timeout=server.CLIENT_S_MAX, path=self.server.socket)
        client = redis.Redis(connection_pool=pool)

        def work(i):
            for j in range(100):
                client.set(f'{i}:{j}', f'value {i} {j}')
                self.assertEqual(client.get(f'{i}:{j}'), f'value {i} {j}'.encode())
                with client.pipeline() as pipe:
                    pipe.incr('count').incr('count')
                    first, second = pipe.execute()
                    self.assertEqual(second, first + 1)

        redis_py_base.in_threads(12, work)
        self.assertEqual(client.get('count'), b'2400')
        self.assertEqual(client.dbsize(), 1201)
        self.assertLessEqual(sum(c['cmd'] != 'client|list' for c in client.client_list()), 4 + 1)
        pool.disconnect()


if __name__ == '__main__':
    server.main()
