"""The same redis-cli session against larder-server and redis-server: what is printed must be the same bytes.

redis-cli reads the session from a pipe, once for each way it has to print a reply, over RESP2 and RESP3, unix socket
and TCP. The sessions hold only what has one right answer: no times, no random picks, no order that Redis leaves open,
no free prose (summaries, notes, HELP), which is our own.

Usage: redis_cli_session_test.py LARDER_SERVER REDIS_SERVER
"""

import difflib
import sys
import unittest

import server

# A session starts with empty databases and the connection that redis-cli has just opened.
SESSIONS = {
    'strings': r'''
        set k v
        get k
        get nosuch
        set k w nx
        set k w xx get
        set k x nx get
        set other 1 nx get
        append k "yz and more"
        strlen k
        getrange k 1 -2
        substr k 0 2
        setrange k 3 ____
        get k
        getset k 10
        incr k
        incrby k -20
        decr k
        decrby k 9223372036854775807
        incrbyfloat k 1.5
        set f 10.5
        incrbyfloat f 0.1
        incrbyfloat f 5.0e3
        incrbyfloat f 3e-20
        mset a 1 b 2 c 3
        mget a b c nosuch
        msetnx c 4 d 5
        msetnx d 4 e 5
        get d
        getdel d
        getdel d
        setnx d 1
        setnx d 2
        set text1 ohmytext
        set text2 mynewtext
        lcs text1 text2
        lcs text1 text2 len
        lcs text1 text2 idx
        lcs text1 text2 idx minmatchlen 4 withmatchlen
        object encoding a
        object encoding text1
        object encoding f
        set long "this text is a little longer than forty-four bytes"
        object encoding long
        strlen nosuch
        ''',
    'errors': r'''
        nosuch
        nosuch with "some arguments" and more
        get
        get a b
        set a
        set a b c
        set a b nx xx
        set a b ex 0
        set a b ex -5
        set a b px 10 ex 10
        set a b ex ten
        set a b keepttl ex 10
        set a b ex 9223372036854775807
        setex a 0 b
        psetex a -1 b
        getex a ex 10 persist
        set text abc
        incr text
        incrbyfloat text 1
        incrbyfloat number inf
        set big 9223372036854775807
        incr big
        decrby number -9223372036854775808
        setrange text -1 x
        setrange text 536870912 x
        mset a
        mset a 1 b
        msetnx a
        lcs text text len idx
        object nosuch text
        object freq text
        object encoding
        object encoding nosuch
        config get
        config set nosuchdirective 1
        config set maxmemory lots
        config set maxclients
        config nosuch
        client nosuch
        client setname "two words"
        client kill 1.2.3.4:5
        client kill id 0
        client kill type nosuch
        client reply maybe
        select 16
        select -1
        select zero
        swapdb 0 99
        move text 0
        move text 99
        copy text text
        copy text b db 77
        rename nosuch b
        renamenx nosuch b
        expire text never
        expire text 9223372036854775807
        expire text 10 nx xx
        scan abc
        scan 0 count 0
        scan 0 match
        auth password
        auth a b c
        hello 4
        hello three
        command nosuch
        command getkeys
        command getkeys nosuch
        command getkeys ping
        exec
        discard
        watch
        ping a b
        echo
        flushall now
        debug sleep 0
        ''',
    'keys': r'''
        mset a 1 b 2
        exists a b a nosuch
        touch a nosuch
        type a
        type nosuch
        set volatile 1 exat 33177117420
        expiretime volatile
        pexpiretime volatile
        expireat volatile 33177117421 gt
        expireat volatile 33177117420 gt
        pexpireat volatile 33177117422000 lt
        pexpireat volatile 33177117422000 xx
        pexpiretime volatile
        getex volatile pxat 33177117423456
        expiretime volatile
        pexpiretime volatile
        set volatile 2 keepttl
        pexpiretime volatile
        persist volatile
        persist volatile
        ttl volatile
        pttl nosuch
        expiretime nosuch
        expire a -1
        exists a
        set gone 1 pxat 1
        get gone
        copy b copied
        copy b copied
        copy b copied replace
        copy b copied db 3
        rename copied renamed
        renamenx renamed b
        renamenx renamed copied
        move copied 4
        move copied 4
        del volatile nosuch b
        keys *
        flushdb
        randomkey
        keys *
        scan 0
        set only 1
        randomkey
        keys o[mn]l?
        keys O*
        scan 0 match on* count 100 type string
        scan 0 type list
        dbsize
        select 4
        keys *
        swapdb 0 4
        keys *
        select 0
        keys *
        unlink copied
        flushall async
        dbsize
        3 incr repeated
        ''',
    'transactions': r'''
        multi
        set a 1
        incr a
        get nosuch
        incr b c
        exec
        multi
        set a abc
        incr a
        get a
        exec
        multi
        multi
        ping
        discard
        watch a
        set a 5
        multi
        get a
        exec
        watch a
        unwatch
        set a 6
        multi
        exec
        multi
        select 2
        set there 1
        nosuch
        discard
        multi
        select 2
        set there 1
        dbsize
        exec
        dbsize
        watch there nosuch
        multi
        watch a
        exec
        reset
        get a
        ''',
    'binary': r'''
        set "\x00\xff key\r\n" "\x01\x02\r\n\"quoted\" \\ \xe2\x82\xac"
        get "\x00\xff key\r\n"
        strlen "\x00\xff key\r\n"
        append "\x00\xff key\r\n" "\x00"
        getrange "\x00\xff key\r\n" -2 -1
        keys "\x00*"
        object encoding "\x00\xff key\r\n"
        echo "\t\a\b"
        echo ""
        set "" "the empty key"
        get ""
        set empty ""
        get empty
        mget "" empty nosuch
        setrange padded 5 x
        get padded
        ''',
    'connection': r'''
        ping
        ping hello
        echo "hello world"
        client getname
        client setname somebody
        client getname
        client setname ""
        client getname
        config get maxclients
        config set maxclients 9000 timeout 0
        config get maxclients
        config get nosuch
        config set maxmemory 100mb
        config get maxmemory
        config set maxmemory 0 maxmemory-policy allkeys-random
        config get maxmemory-policy
        config set maxmemory-policy noeviction
        config resetstat
        command info get incr mset nosuch ping multi scan
        command info copy config|get object|freq client|kill expire
        command getkeys mset a 1 b 2
        command getkeysandflags copy from to
        command list filterby pattern get*x
        command docs nosuch
        select 7
        set a 1
        select 0
        get a
        reset
        quit
        ''',
}

# How redis-cli is asked to print. JSON is for text only, and for one reply a line.
FORMATS = {
    'raw': [],
    'formatted': ['--no-raw'],
    'raw, RESP3': ['-3'],
    'formatted, RESP3': ['-3', '--no-raw'],
    'csv': ['--csv'],
    'json': ['--json'],
    'quoted json, RESP2': ['-2', '--quoted-json'],
}


class RedisCliSessionTest(unittest.TestCase):

    programs = ()

    @classmethod
    def setUpClass(cls):
        # Fits whatever number of descriptors this process may open.
        cls.servers = [server.Server(program, '--maxclients', '1000') for program in cls.programs]

    @classmethod
    def tearDownClass(cls):
        for one in cls.servers:
            one.stop()

    def transcript(self, one, address, arguments, session):
        lines = ''.join(line.strip() + '\n' for line in session.strip().splitlines())
        for prepare in (['flushall'], ['config', 'set', 'maxclients', '1000']):
            self.assertEqual(server.run(['redis-cli', *address, *prepare]).stdout, 'OK\n')
        done = server.run(['redis-cli', *address, *arguments], input=lines.encode(), text=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout, done.stderr

    def compare(self, name):
        session = SESSIONS[name]
        for which, address in (('unix', lambda one: ['-s', one.socket]),
                               ('tcp', lambda one: ['-h', '127.0.0.1', '-p', str(one.port)])):
            for title, arguments in FORMATS.items():
                with self.subTest(format=title, over=which):
                    ours, theirs = (self.transcript(one, address(one), arguments, session) for one in self.servers)
                    self.assertGreaterEqual(ours[0].count(b'\n'), session.strip().count('\n'))
                    if ours != theirs:
                        self.fail('\n' + '\n'.join(difflib.unified_diff(
                            lines(theirs), lines(ours), 'redis-server', 'larder-server', lineterm='', n=2)))

    def test_strings(self):
        self.compare('strings')

    def test_errors(self):
        self.compare('errors')

    def test_keys(self):
        self.compare('keys')

    def test_transactions(self):
        self.compare('transactions')

    def test_binary(self):
        self.compare('binary')

    def test_connection(self):
        self.compare('connection')


def lines(transcript):
    return [repr(line) for stream in transcript for line in stream.split(b'\n')]


if __name__ == '__main__':
    RedisCliSessionTest.programs = [server.absolute(program) for program in sys.argv[1:3]]
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
