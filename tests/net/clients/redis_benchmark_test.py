"""redis-benchmark runs its default tests of strings and PING against one server, and each reports its rate.

It gives up at the first error reply, and hangs if one reply is missing: that it ends well says that every request of
every connection, at any depth of pipeline, was answered. The rates are not looked at; tests/bench has the figures.

Usage: redis_benchmark_test.py SERVER
"""

import csv
import re

import server
from server import ServerTest

# As `-t` takes them, and as they are reported.
TESTS = {
    'ping_inline': 'PING_INLINE',
    'ping_mbulk': 'PING_MBULK',
    'set': 'SET',
    'get': 'GET',
    'incr': 'INCR',
    'mset': 'MSET (10 keys)',
}


class RedisBenchmarkTest(ServerTest):

    def cli(self, *arguments):
        done = server.run(['redis-cli', '-p', str(self.server.port), *arguments])
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        return done.stdout

    def setUp(self):
        self.assertEqual(self.cli('flushall'), 'OK\n')
        self.assertEqual(self.cli('config', 'resetstat'), 'OK\n')

    def benchmark(self, *arguments, address=None):
        address = address or ['-h', '127.0.0.1', '-p', str(self.server.port)]
        done = server.run(['redis-benchmark', *address, *arguments])
        warnings = [line for line in done.stderr.splitlines() if not line.startswith('WARNING: Keepalive disabled')]
        self.assertEqual((done.returncode, warnings), (0, []), done.stdout)
        return done.stdout

    def default_tests(self, *arguments, requests=10_000, address=None):
        text = self.benchmark('-t', ','.join(TESTS), '-n', str(requests), '-q', *arguments, address=address)
        # Progress is written over with carriage returns.
        lines = [line for line in re.split(r'[\r\n]+', text) if 'requests per second' in line]
        rates = {}
        for line in lines:
            found = re.fullmatch(r'(.+): ([\d.]+) requests per second, p50=[\d.]+ msec *', line)
            self.assertIsNotNone(found, line)
            rates[found[1]] = float(found[2])
        self.assertEqual(list(rates), list(TESTS.values()), text)
        self.assertGreater(min(rates.values()), 0)
        self.expect_calls(requests)

    def expect_calls(self, requests):
        """The server has run what the benchmark says that it asked for."""
        calls = dict(re.findall(r'^cmdstat_(\w+):calls=(\d+)', self.cli('info', 'commandstats'), re.MULTILINE))
        for command, of in (('ping', 2), ('set', 1), ('get', 1), ('incr', 1), ('mset', 1)):
            self.assertGreaterEqual(int(calls[command]), of * requests, command)
        self.assertEqual(self.cli('get', 'counter:__rand_int__').strip(), calls['incr'])
        self.assertEqual(self.cli('get', 'key:__rand_int__'), 'VXK\n')
        self.assertIn('total_error_replies:0', self.cli('info', 'stats').replace('\r', ''))

    def test_one_request_at_a_time(self):
        self.default_tests('-P', '1')

    def test_pipelines_of_16(self):
        self.default_tests('-P', '16')

    def test_pipelines_deeper_than_one_turn_takes(self):
        self.default_tests('-P', '500', '-c', '20', requests=5_000)

    def test_two_threads(self):
        self.default_tests('--threads', '2', '-P', '4')

    def test_resp3(self):
        self.default_tests('-3', requests=5_000)

    def test_over_a_unix_socket(self):
        self.default_tests('-P', '16', requests=5_000, address=['-s', self.server.socket])

    def test_a_connection_for_each_request(self):
        self.default_tests('-k', '0', requests=500)

    def test_hundreds_of_connections(self):
        self.default_tests('-c', '200', requests=2_000)

    def test_random_keys_and_larger_values(self):
        self.benchmark('-t', 'set,get', '-n', '10000', '-r', '1000', '-d', '3000', '-P', '8', '-q')
        count = int(self.cli('dbsize'))
        self.assertTrue(900 < count <= 1000, count)
        key = self.cli('randomkey').strip()
        self.assertRegex(key, r'^key:\d{12}$')
        self.assertEqual(self.cli('strlen', key), '3000\n')

    def test_a_command_of_ones_own(self):
        text = self.benchmark('-n', '5000', '-r', '100', '-q', 'setex', 'k:__rand_int__', '1000', 'value')
        self.assertIn('setex k:__rand_int__ 1000 value: ', text)
        self.assertEqual(self.cli('dbsize'), '100\n')
        self.assertGreater(int(self.cli('ttl', 'k:000000000042')), 900)

    def test_report_as_csv(self):
        rows = list(csv.DictReader(self.benchmark('-t', 'set,get', '-n', '2000', '--csv').splitlines()))
        self.assertEqual([row['test'] for row in rows], ['SET', 'GET'])
        for row in rows:
            self.assertGreater(float(row['rps']), 0)

    def test_error_reply_ends_it(self):
        done = server.run(['redis-benchmark', '-s', self.server.socket, '-n', '10', '-q', 'incr', 'k', 'too', 'many'])
        self.assertEqual(done.returncode, 1)
        self.assertIn("ERR wrong number of arguments for 'incr' command", done.stdout + done.stderr)


if __name__ == '__main__':
    server.main()
