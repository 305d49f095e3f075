"""redis-cli's modes against one server: --pipe, --scan, --bigkeys, --stat, passwords, an interactive session...

Usage: redis_cli_test.py SERVER
"""

import json
import os
import re
import subprocess
import unittest

import server
from server import ServerTest

# redis-cli's: the socket, the database unless it is 0, and whether it is in a transaction.
PROMPT = re.compile(r'\.sock(\[\d+\])?(\(TX\))?> $')


class RedisCliTest(ServerTest):

    def cli(self, *arguments, **options):
        return server.run(['redis-cli', '-s', self.server.socket, *arguments], **options)

    def output(self, *arguments, **options):
        done = self.cli(*arguments, **options)
        self.assertEqual((done.returncode, done.stderr), (0, ''), done.stdout)
        return done.stdout

    def setUp(self):
        self.assertEqual(self.output('flushall'), 'OK\n')

    def fill(self, count, pattern='key:{}', value='value {}'):
        """Mass insertion as Redis's documentation has it: raw protocol into --pipe."""
        requests = bytearray()
        for i in range(count):
            for j, argument in enumerate(('SET', pattern.format(i), value.format(i))):
                data = argument.encode()
                requests += b'%s$%d\r\n%s\r\n' % (b'*3\r\n' if j == 0 else b'', len(data), data)
        return self.cli('--pipe', input=bytes(requests), text=False)

    # ---- Mass insertion and walks over the keyspace -----------------------------------------------------------------

    def test_pipe_of_100000_sets_has_100000_replies_and_no_error(self):
        done = self.fill(100_000)
        self.assertEqual((done.returncode, done.stderr), (0, b''))
        self.assertEqual(done.stdout.decode().splitlines()[-1], 'errors: 0, replies: 100000')
        self.assertEqual(self.output('dbsize'), '100000\n')
        self.assertEqual(self.output('mget', 'key:0', 'key:77777', 'key:99999'), 'value 0\nvalue 77777\nvalue 99999\n')

    def test_pipe_counts_errors_and_goes_on(self):
        done = self.cli('--pipe', input='SET number ten\r\nINCR number\r\nNOSUCH\r\nGET number\r\n')
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout.splitlines()[-1], 'errors: 2, replies: 4')
        self.assertEqual(done.stderr.splitlines(), ['ERR value is not an integer or out of range',
                                                    "ERR unknown command 'NOSUCH', with args beginning with: "])

    def test_scan_names_every_key_once(self):
        self.fill(5_000)
        keys = self.output('--scan').splitlines()
        self.assertEqual(sorted(keys), sorted(f'key:{i}' for i in range(5_000)))

    def test_scan_keeps_to_its_pattern(self):
        self.fill(2_000)
        self.assertEqual(sorted(self.output('--scan', '--pattern', 'key:*07').splitlines()),
                         sorted(f'key:{i}' for i in range(107, 2_000, 100)))
        self.assertEqual(self.output('--scan', '--pattern', '[a-j]*'), '')
        # A name that is no text, by a pattern in quotes.
        self.output('--quoted-input', 'set', '"\\x00\\xff*"', '1')
        self.assertEqual(self.output('--no-raw', '--scan', '--quoted-pattern', '"\\x00\\xff\\\\*"'), '"\\x00\\xff*"\n')

    def test_scan_of_another_database(self):
        self.output('-n', '3', 'set', 'there', '1')
        self.assertEqual(self.output('--scan'), '')
        self.assertEqual(self.output('-n', '3', '--scan'), 'there\n')

    def test_bigkeys_finds_the_longest_string(self):
        self.fill(1_000, value='{:010}')
        self.output('set', 'giant', 'x' * 12_345)
        text = self.output('--bigkeys')
        self.assertIn('Sampled 1001 keys in the keyspace!', text)
        self.assertIn("Biggest string found '\"giant\"' has 12345 bytes", text)
        self.assertIn('1001 strings with 22345 bytes (100.00% of keys', text)
        self.assertIn('0 hashs with 0 fields', text)

    # A key of each type, and a larger one of some: what a walk must find, and the command that counts it.
    EVERY_TYPE = '\n'.join((
        'SET short x', f'SET string {"x" * 77}', 'PFADD hll a b', 'SETBIT bits 100 1', 'RPUSH list a b c', 'RPUSH list1 a',
        'SADD set 1 2 3 4', 'SADD set1 x', 'ZADD zset 1 a 2 b', 'GEOADD geo 1 1 a 2 2 b 3 3 c',
        'HSET hash f1 v f2 v f3 v f4 v f5 v', 'XADD stream 1-1 f v', 'XADD stream 2-1 f v', '')).replace('\n', '\r\n')
    BIGGEST = {'list': ('list', 3, 'items'), 'hash': ('hash', 5, 'fields'), 'string': ('string', 77, 'bytes'),
               'stream': ('stream', 2, 'entries'), 'set': ('set', 4, 'members'), 'zset': ('geo', 3, 'members')}

    def test_bigkeys_finds_the_biggest_of_every_type(self):
        self.cli('--pipe', input=self.EVERY_TYPE)
        text = self.output('--bigkeys')
        self.assertIn('Sampled 12 keys in the keyspace!', text)
        for kind, (key, size, unit) in self.BIGGEST.items():
            self.assertRegex(text, rf"""Biggest +{kind} found '"{key}"' has {size} {unit}\n""")
        self.assertIn('2 zsets with 5 members', text)
        self.assertIn('2 lists with 4 items', text)

    def test_memkeys_counts_the_bytes_of_every_type(self):
        self.cli('--pipe', input=self.EVERY_TYPE)
        self.output('hset', 'huge', 'field', 'x' * 5_000)
        text = self.output('--memkeys')
        self.assertIn('Sampled 13 keys in the keyspace!', text)
        sizes = {key: int(self.output('memory', 'usage', key))
                 for key in ('list', 'huge', 'string', 'hll', 'stream', 'set', 'geo', 'list1', 'set1', 'zset')}
        self.assertGreater(sizes['huge'], 5_000)
        for kind, keys in {'list': ('list', 'list1'), 'hash': ('huge',), 'string': ('string', 'hll'),
                           'stream': ('stream',), 'set': ('set', 'set1'), 'zset': ('geo', 'zset')}.items():
            most = max(sizes[key] for key in keys)
            self.assertRegex(text, rf"""Biggest +{kind} found '"({'|'.join(keys)})"' has {most} bytes\n""")

    def test_hotkeys_finds_what_is_used_of_every_type(self):
        self.output('config', 'set', 'maxmemory-policy', 'allkeys-lfu')
        try:
            self.cli('--pipe', input=self.EVERY_TYPE)
            self.cli('--pipe', input='GEOPOS geo a\r\n' * 3_000 + 'LLEN list\r\n' * 3_000)
            text = self.output('--hotkeys')
        finally:
            self.output('config', 'set', 'maxmemory-policy', 'noeviction')
        self.assertIn('Sampled 12 keys in the keyspace!', text)
        hottest = re.findall(r'hot key found with counter: (\d+)\tkeyname: "(\w+)"', text)
        self.assertEqual({key for _, key in hottest[:2]}, {'geo', 'list'})

    def test_hotkeys_wants_an_lfu_policy(self):
        self.output('set', 'key', 'value')
        done = self.cli('--hotkeys')
        self.assertEqual(done.returncode, 1)
        self.assertIn('An LFU maxmemory policy is not selected', done.stdout + done.stderr)

    # ---- Figures ----------------------------------------------------------------------------------------------------

    def test_stat_prints_a_line_an_interval(self):
        self.fill(321)
        with Terminal(['redis-cli', '-s', self.server.socket, '--stat', '-i', '0.05']) as terminal:
            text = terminal.read_until(lambda text: text.count('\n') >= 6)
        lines = text.replace('\r', '').split('\n')
        self.assertIn('data', lines[0])
        self.assertEqual(lines[1].split(), ['keys', 'mem', 'clients', 'blocked', 'requests', 'connections'])
        requests = []
        for line in lines[2:5]:
            found = re.fullmatch(r'(\d+) +([\d.]+)([BKMG]) +(\d+) +(\d+) +(\d+) \(\+(\d+)\) +(\d+) *', line)
            self.assertIsNotNone(found, line)
            self.assertEqual(found[1], '321')
            self.assertGreater(float(found[2]), 0)
            self.assertEqual((found[4], found[5]), ('1', '0'))
            requests.append(int(found[6]))
        self.assertEqual([b - a for a, b in zip(requests, requests[1:])], [1, 1])  # its own INFO

    def test_info_is_sections_of_fields(self):
        self.output('set', 'key', 'value', 'ex', '1000')
        text = self.output('info')
        fields = dict(line.split(':', 1) for line in text.splitlines() if line and not line.startswith('#'))
        self.assertEqual(fields['redis_version'], '7.0.15')
        self.assertEqual(fields['redis_mode'], 'standalone')
        self.assertEqual(int(fields['tcp_port']), self.server.port)
        self.assertEqual(int(fields['process_id']), self.server.process.pid)
        self.assertGreater(int(fields['used_memory']), 0)
        self.assertGreater(int(fields['total_commands_processed']), 1)
        self.assertRegex(fields['db0'], r'^keys=1,expires=1,avg_ttl=\d+$')
        headings = [line[2:] for line in text.splitlines() if line.startswith('#')]
        for heading in ('Server', 'Clients', 'Memory', 'Persistence', 'Stats', 'Replication', 'CPU', 'Keyspace'):
            self.assertIn(heading, headings)
        self.assertEqual([line for line in self.output('info', 'keyspace').splitlines() if line.startswith('#')],
                         ['# Keyspace'])

    def test_latency_is_measured(self):
        self.assertRegex(self.output('--latency', '--raw', '-i', '0.05'), r'^\d+ \d+ [\d.]+ \d+\n$')

    # ---- Ways in ----------------------------------------------------------------------------------------------------

    def test_tcp_and_a_uri_reach_the_same_keys(self):
        self.output('-n', '2', 'set', 'where', 'here')
        tcp = server.run(['redis-cli', '-h', '127.0.0.1', '-p', str(self.server.port), '-n', '2', 'get', 'where'])
        uri = server.run(['redis-cli', '-u', f'redis://127.0.0.1:{self.server.port}/2', 'get', 'where'])
        self.assertEqual((tcp.stdout, uri.stdout), ('here\n', 'here\n'))

    def test_value_from_standard_input(self):
        value = bytes(range(256)) * 1_000
        self.cli('-x', 'set', 'binary', input=value, text=False)
        self.assertEqual(self.cli('get', 'binary', text=False).stdout, value + b'\n')
        self.cli('-X', 'tag', 'set', 'tagged', 'tag', input=b'first line\n', text=False)
        self.assertEqual(self.output('get', 'tagged'), 'first line\n\n')

    def test_command_is_repeated(self):
        self.assertEqual(self.output('-r', '5', 'incr', 'count'), '1\n2\n3\n4\n5\n')

    def test_error_is_an_exit_code_when_asked_for(self):
        self.assertEqual(self.cli('nosuch').returncode, 0)
        done = self.cli('-e', 'incrby', 'count', 'many')
        self.assertEqual((done.returncode, done.stderr.strip()), (1, 'ERR value is not an integer or out of range'))

    def test_resp3_types_as_json(self):
        self.output('set', 'k', 'v')
        self.assertEqual(json.loads(self.output('--json', 'config', 'get', 'maxclients')), {'maxclients': '10000'})
        hello = json.loads(self.output('--json', 'hello', '3'))
        self.assertEqual((hello['server'], hello['version'], hello['proto']), ('redis', '7.0.15', 3))
        self.assertEqual(hello['modules'], [])
        self.assertIsNone(json.loads(self.output('--json', 'get', 'nosuch')))
        self.assertEqual(json.loads(self.output('--json', 'mget', 'k', 'nosuch')), ['v', None])
        info = json.loads(self.output('--json', 'command', 'info', 'get'))
        self.assertEqual((info[0][0], info[0][1], sorted(info[0][2])), ('get', 2, ['fast', 'readonly']))
        lcs = json.loads(self.output('--json', 'lcs', 'k', 'nosuch', 'idx'))
        self.assertEqual(lcs, {'matches': [], 'len': 0})

    def test_interactive_session(self):
        with Terminal(['redis-cli', '-s', self.server.socket], input=True) as terminal:
            terminal.read_until(PROMPT.search)
            for line, answer in (('set fruit "a pear"', 'OK'), ('get fruit', '"a pear"'),
                                 ('strlen fruit', '(integer) 6'), ('get nosuch', '(nil)'), ('select 5', 'OK'),
                                 ('dbsize', '(integer) 0'), ('hello 3', '2# "version" => "7.0.15"'),
                                 ('help getdel', 'GETDEL'), ('multi', 'OK'), ('discard', 'OK'),
                                 ('nosuch', "(error) ERR unknown command 'nosuch'")):
                self.assertIn(answer, terminal.ask(line))
            self.assertIn('[5]', terminal.text)  # the prompt knows the database
            self.assertIn('(TX)', terminal.text)
            terminal.write('exit\n')
            self.assertEqual(terminal.wait(), 0)


class Terminal:
    """A program on a pseudo-terminal, where it prints line by line. Ended on leaving, if it has not done so itself."""

    def __init__(self, command, input=False):
        self.text = ''
        self._fd, its_side = os.openpty()
        self._process = subprocess.Popen(command, stdin=its_side if input else subprocess.DEVNULL, stdout=its_side,
                                         stderr=its_side, env=server.client_environment())
        os.close(its_side)

    def read_until(self, done):
        """What it printed from here on, as soon as done() is content with it. It is bounded by the test's timeout."""
        text = ''
        while not done(text):
            piece = os.read(self._fd, 65536).decode(errors='replace')
            text += piece
            self.text += piece
        return text

    def write(self, text):
        os.write(self._fd, text.encode())

    def ask(self, line):
        """The answer to a line, up to the next prompt; the terminal's echo is part of it."""
        self.write(line + '\n')
        return self.read_until(PROMPT.search)

    def wait(self):
        return self._process.wait(timeout=server.CLIENT_S_MAX)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.terminate()
        self.wait()
        os.close(self._fd)


class PasswordTest(ServerTest):

    options = ('--requirepass', 'open sesame')

    def cli(self, *arguments, **environment):
        return server.run(['redis-cli', '-s', self.server.socket, *arguments],
                          env=server.client_environment(**environment))

    def test_without_a_password_nothing_is_answered(self):
        self.assertEqual(self.cli('get', 'k').stdout, 'NOAUTH Authentication required.\n\n')
        self.assertEqual(self.cli('ping').stdout, 'NOAUTH Authentication required.\n\n')

    def test_right_password(self):
        for arguments in (['-a', 'open sesame'], ['--pass', 'open sesame'], ['--user', 'default', '-a', 'open sesame']):
            done = self.cli(*arguments, 'set', 'k', 'v')
            self.assertEqual(done.stdout, 'OK\n', arguments)
            self.assertIn('may not be safe', done.stderr)  # redis-cli's own warning, and nothing else
            self.assertEqual(self.cli('--no-auth-warning', *arguments, 'get', 'k').stderr, '')
        self.assertEqual(self.cli('get', 'k', REDISCLI_AUTH='open sesame').stdout, 'v\n')
        uri = f'redis://default:open%20sesame@127.0.0.1:{self.server.port}/0'
        self.assertEqual(server.run(['redis-cli', '-u', uri, 'get', 'k']).stdout, 'v\n')

    def test_wrong_password(self):
        for arguments in (['-a', 'open'], ['--user', 'somebody', '-a', 'open sesame']):
            done = self.cli('--no-auth-warning', *arguments, 'ping')
            self.assertEqual(done.stderr,
                             'AUTH failed: WRONGPASS invalid username-password pair or user is disabled.\n')
            self.assertEqual(done.stdout, 'NOAUTH Authentication required.\n\n')

    def test_auth_within_a_session(self):
        done = server.run(['redis-cli', '-s', self.server.socket],
                          input='ping\nauth wrong\nauth "open sesame"\nping\nhello 3 auth default "open sesame"\n')
        self.assertEqual(done.stdout.splitlines()[:6],
                         ['NOAUTH Authentication required.', '',
                          'WRONGPASS invalid username-password pair or user is disabled.', '', 'OK', 'PONG'])
        self.assertIn('proto 3', done.stdout)


class ShutdownTest(unittest.TestCase):

    def test_shutdown_nosave_ends_the_server_with_code_0(self):
        one = server.Server(ServerTest.program)
        done = server.run(['redis-cli', '-s', one.socket, 'shutdown', 'nosave'])
        self.assertEqual((done.stdout, done.stderr), ('', ''))
        self.assertEqual(one.wait(), 0, one.text())
        self.assertFalse(os.path.exists(one.socket))

    def test_shutdown_without_a_word_on_saving(self):
        one = server.Server(ServerTest.program)  # its save is "", so there is nothing to save
        done = server.run(['redis-cli', '-p', str(one.port), 'shutdown'])
        self.assertEqual((done.stdout, done.stderr), ('', ''))
        self.assertEqual(one.wait(), 0, one.text())


if __name__ == '__main__':
    server.main()
