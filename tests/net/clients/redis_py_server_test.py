"""python3-redis against one server: what it asks about the server, and its connections.

Usage: redis_py_server_test.py SERVER
"""

import asyncio
import select
import socket
import time

import redis
import redis.asyncio

import redis_py_base
import server
from server import ServerTest


class ServerCommandsTest(redis_py_base.RedisPyTest):

    def test_info(self):
        self.r.set('k', 'v', ex=1000)
        info = self.r.info()
        self.assertEqual(info['redis_version'], '7.0.15')
        self.assertEqual('larder_version' in info, 'larder' in self.server.name)
        self.assertEqual(info['tcp_port'], self.server.port)
        self.assertEqual(info['db0']['keys'], 1)
        self.assertEqual(info['db0']['expires'], 1)
        self.assertTrue(900_000 < info['db0']['avg_ttl'] <= 1_000_000 or info['db0']['avg_ttl'] == 0)
        for field in ('used_memory', 'connected_clients', 'total_commands_processed', 'total_net_input_bytes',
                      'keyspace_hits', 'keyspace_misses', 'expired_keys', 'evicted_keys', 'uptime_in_seconds'):
            self.assertIsInstance(info[field], int, field)
        self.assertEqual(info['role'], 'master')
        self.assertEqual(list(self.r.info('keyspace')), ['db0'])
        stats = self.r.info('commandstats')
        self.assertGreaterEqual(stats['cmdstat_set']['calls'], 1)

    def test_hits_and_misses_are_counted(self):
        self.assertIs(self.r.config_resetstat(), True)
        self.r.set('k', 'v')
        for key in ('k', 'k', 'nosuch'):
            self.r.get(key)
        stats = self.r.info('stats')
        self.assertEqual((stats['keyspace_hits'], stats['keyspace_misses']), (2, 1))

    def test_config(self):
        self.assertEqual(self.r.config_get('save'), {'save': ''})
        for value, read in (('100mb', '104857600'), ('1k', '1000'), (0, '0')):
            self.assertIs(self.r.config_set('maxmemory', value), True)
            self.assertEqual(self.r.config_get('maxmemory'), {'maxmemory': read})
        self.assertIs(self.r.config_set('maxmemory-policy', 'volatile-ttl'), True)
        self.assertEqual(self.r.config_get('maxmemory-p*'), {'maxmemory-policy': 'volatile-ttl'})
        self.assertIs(self.r.config_set('maxmemory-policy', 'noeviction'), True)
        with self.assertRaisesRegex(redis.ResponseError, "CONFIG SET failed .*'maxmemory-policy'"):
            self.r.config_set('maxmemory-policy', 'nosuch')
        with self.assertRaisesRegex(redis.ResponseError, 'Unknown option or number of arguments'):
            self.r.config_set('nosuch', 1)

    def test_memory_limit(self):
        used = self.r.info('memory')['used_memory']
        self.assertIs(self.r.config_set('maxmemory', used + 3_000_000), True)
        self.addCleanup(self.r.config_set, 'maxmemory', 0)
        self.addCleanup(self.r.config_set, 'maxmemory-policy', 'noeviction')
        with self.assertRaisesRegex(redis.ResponseError, "OOM|command not allowed when used memory > 'maxmemory'"):
            for i in range(1000):
                self.r.set(f'k{i}', 'x' * 10_000)
        self.assertTrue(10 < self.r.dbsize() < 500)
        self.assertEqual(self.r.strlen('k0'), 10_000)  # reading goes on
        self.assertIs(self.r.config_set('maxmemory-policy', 'allkeys-random'), True)
        for i in range(1000):
            self.r.set(f'k{i}', 'x' * 10_000)
        self.assertTrue(10 < self.r.dbsize() < 500)
        self.assertGreater(self.r.info('stats')['evicted_keys'], 500)

    def test_commands_are_described(self):
        get = self.r.command()['get']
        self.assertEqual((get['arity'], get['first_key_pos'], get['last_key_pos'], get['step_count']), (2, 1, 1, 1))
        self.assertEqual(set(get['flags']), {'readonly', 'fast'})
        self.assertGreater(self.r.command_count(), 50)
        self.assertEqual(self.r.command_getkeys('MSET', 'a', 1, 'b', 2), ['a', 'b'])

    def test_time(self):
        seconds, micros = self.r.time()
        self.assertLess(abs(seconds - time.time()), 60)
        self.assertTrue(0 <= micros < 1_000_000)


class ConnectionTest(redis_py_base.RedisPyTest):

    def one(self, **options):
        client = self.client(single_connection_client=True, **options)
        client.ping()
        return client

    def test_client_name_and_list(self):
        named = self.one(client_name='from-the-start', db=3)
        self.assertEqual(named.client_getname(), 'from-the-start')
        self.assertIs(named.client_setname('later'), True)
        (found,) = [c for c in self.r.client_list() if c['name'] == 'later']
        self.assertEqual((int(found['id']), found['db'], found['cmd']), (named.client_id(), '3', 'client|setname'))
        self.assertEqual(named.client_info()['name'], 'later')
        self.assertEqual([c['name'] for c in self.r.client_list(client_id=[str(named.client_id())])], ['later'])
        self.assertEqual(self.r.client_list(_type='pubsub'), [])

    def test_client_kill(self):
        for kill in (lambda victim: self.r.client_kill_filter(_id=victim['id']),
                     lambda victim: self.r.client_kill(victim['addr'])):
            connection = redis.Redis(host='127.0.0.1', port=self.server.port, single_connection_client=True)
            self.addCleanup(connection.close)
            (victim,) = [c for c in self.r.client_list() if int(c['id']) == connection.client_id()]
            self.assertTrue(kill(victim))
            with self.assertRaises(redis.ConnectionError):
                connection.ping()
            self.assertIs(connection.ping(), True)  # connects again
        with self.assertRaisesRegex(redis.ResponseError, 'No such client'):
            self.r.client_kill('127.0.0.1:1')

    def test_killed_client_is_gone_when_the_reply_is_read(self):
        for _ in range(200):
            victim = socket.create_connection(('127.0.0.1', self.server.port))
            victim.sendall(b'CLIENT ID\r\n')
            self.assertEqual(self.r.client_kill_filter(_id=victim.recv(100)[1:-2].decode()), 1)
            victim.setblocking(False)
            self.assertEqual(victim.recv(1), b'')  # raises BlockingIOError if it is still open
            victim.close()

    def test_client_that_kills_itself_gets_its_answer(self):
        one = self.one()
        self.assertEqual(one.client_kill_filter(_id=one.client_id(), skipme=False), 1)
        with self.assertRaises(redis.ConnectionError):
            one.ping()

    def test_health_check(self):
        client = self.one(health_check_interval=10)
        self.r.config_resetstat()
        client.get('k')
        self.assertNotIn('cmdstat_ping', self.r.info('commandstats'))
        client.connection.next_health_check = time.time() - 1  # as after 10 s without a word
        client.get('k')
        self.assertEqual(self.r.info('commandstats')['cmdstat_ping']['calls'], 1)

    def test_pooled_connection_that_was_closed_is_replaced(self):
        client = self.client()
        before = client.client_id()
        connection = client.connection_pool.get_connection('_')
        client.connection_pool.release(connection)
        self.r.client_kill_filter(_id=before)
        self.assertNotEqual(select.select([connection._sock], [], [], server.CLIENT_S_MAX)[0], [])
        self.assertGreater(client.client_id(), before)

    def test_echo_ping_quit(self):
        one = self.one()
        self.assertEqual(one.echo('hällo'), 'hällo'.encode())
        self.assertIs(one.quit(), True)
        with self.assertRaises(redis.ConnectionError):
            one.ping()

    def test_error_classes(self):
        self.r.set('text', 'abc')
        for arguments, message in ((['INCR', 'text'], 'value is not an integer or out of range'),
                                   (['SET', 'k'], "wrong number of arguments for 'set' command"),
                                   (['NOSUCH', 'x'], "unknown command 'NOSUCH', with args beginning with: 'x' "),
                                   (['EXEC'], 'EXEC without MULTI')):
            with self.assertRaises(redis.ResponseError) as raised:
                self.r.execute_command(*arguments)
            self.assertEqual(str(raised.exception), message)
        with self.assertRaises(redis.ResponseError):
            self.client(db=77).ping()

    def test_asyncio(self):

        async def session():
            client = redis.asyncio.Redis(unix_socket_path=self.server.socket, decode_responses=True)
            await asyncio.gather(*(client.set(f'k{i}', i) for i in range(50)))
            values = await asyncio.gather(*(client.get(f'k{i}') for i in range(50)))
            async with client.pipeline() as pipe:
                answers = await pipe.incr('n').incr('n').execute()
            keys = [key async for key in client.scan_iter(match='k*')]
            await client.close()
            await client.connection_pool.disconnect()
            return values, answers, sorted(keys)

        values, answers, keys = asyncio.run(session())
        self.assertEqual(values, [str(i) for i in range(50)])
        self.assertEqual(answers, [1, 2])
        self.assertEqual(keys, sorted(f'k{i}' for i in range(50)))


class PasswordTest(ServerTest):

    options = ('--requirepass', 'pass word')

    def client(self, **options):
        client = redis.Redis(host='127.0.0.1', port=self.server.port, **options)
        self.addCleanup(client.close)
        return client

    def test_right_password(self):
        self.assertIs(self.client(password='pass word').set('k', 'v'), True)
        self.assertEqual(self.client(username='default', password='pass word').get('k'), b'v')

    def test_wrong_or_no_password(self):
        with self.assertRaisesRegex(redis.ResponseError, 'WRONGPASS invalid username-password pair'):
            self.client(password='wrong').ping()
        with self.assertRaisesRegex(redis.ResponseError, 'WRONGPASS invalid username-password pair'):
            self.client(username='nobody', password='pass word').ping()
        with self.assertRaisesRegex(redis.AuthenticationError, 'Authentication required'):
            self.client().get('k')

    def test_password_changes(self):
        client = self.client(password='pass word', single_connection_client=True)
        self.addCleanup(client.config_set, 'requirepass', 'pass word')
        self.assertIs(client.config_set('requirepass', 'another'), True)
        self.assertIs(client.ping(), True)  # who is in stays in
        with self.assertRaisesRegex(redis.ResponseError, 'WRONGPASS'):
            self.client(password='pass word').ping()
        self.assertIs(self.client(password='another').ping(), True)


class MaxClientsTest(ServerTest):

    options = ('--maxclients', '3')

    def test_one_client_too_many(self):
        def connect():
            client = redis.Redis(host='127.0.0.1', port=self.server.port, single_connection_client=True)
            self.addCleanup(client.close)
            self.assertIs(client.ping(), True)
            return client

        first, second, _ = connect(), connect(), connect()
        with self.assertRaises(redis.ConnectionError):
            connect()
        self.assertGreaterEqual(second.info('stats')['rejected_connections'], 1)
        second.client_kill_filter(_id=first.client_id())
        with self.assertRaises(redis.ConnectionError):
            first.ping()
        connect()


if __name__ == '__main__':
    server.main()
