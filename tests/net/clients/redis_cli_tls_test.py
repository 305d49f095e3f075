"""redis-cli --tls and redis-benchmark --tls against a server, with certificates that the openssl program has made.

Usage: redis_cli_tls_test.py SERVER
"""

import os
import random
import socket
import ssl
import subprocess
import tempfile
import unittest

import server
from server import ServerTest

_folder = tempfile.TemporaryDirectory(prefix='tls-', dir=os.environ.get('TEST_TMPDIR'))


def path(name):
    return os.path.join(_folder.name, name)


def openssl(*arguments):
    subprocess.run(['openssl', *arguments], check=True, cwd=_folder.name, stdin=subprocess.DEVNULL,
                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def make_certificates():
    """ca and, signed by it, server, server2, client and expired; other, which has signed stranger."""
    number = 0
    for authority, names in (('ca', ('server', 'server2', 'client')), ('other', ('stranger',))):
        openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', f'{authority}.key')
        openssl('req', '-x509', '-new', '-key', f'{authority}.key', '-days', '3650', '-subj', f'/CN={authority}',
                '-out', f'{authority}.crt')
        for name in names:
            number += 1
            openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', f'{name}.key')
            openssl('req', '-new', '-key', f'{name}.key', '-subj', f'/CN={name}', '-out', f'{name}.csr')
            openssl('x509', '-req', '-in', f'{name}.csr', '-CA', f'{authority}.crt', '-CAkey', f'{authority}.key',
                    '-set_serial', str(number), '-days', '3650', '-out', f'{name}.crt')
    # Only `openssl ca` makes a certificate of the past.
    with open(path('ca.conf'), 'w') as conf:
        conf.write('[ca]\ndefault_ca=a\n[a]\ndatabase=index.txt\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\n'
                   'policy=p\n[p]\ncommonName=supplied\n')
    open(path('index.txt'), 'w').close()
    with open(path('serial'), 'w') as serial:
        serial.write('1000\n')
    openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'expired.key')
    openssl('req', '-new', '-key', 'expired.key', '-subj', '/CN=expired', '-out', 'expired.csr')
    openssl('ca', '-batch', '-config', 'ca.conf', '-cert', 'ca.crt', '-keyfile', 'ca.key', '-in', 'expired.csr', '-out',
            'expired.crt', '-startdate', '20200101000000Z', '-enddate', '20200201000000Z', '-notext')
    with open(path('junk'), 'w') as junk:
        junk.write('not PEM')


class TlsTest(ServerTest):

    @classmethod
    def setUpClass(cls):
        if not os.path.exists(path('ca.crt')):
            make_certificates()
        for _ in range(5):  # as often as somebody else takes the port first
            cls.tls_port = server.free_port()
            try:
                cls.server = server.Server(
                    cls.program, '--tls-port', str(cls.tls_port), '--tls-cert-file', path('server.crt'),
                    '--tls-key-file', path('server.key'), '--tls-ca-cert-file', path('ca.crt'))
                return
            except AssertionError as error:
                if 'Address already in use' not in str(error):
                    raise
        raise AssertionError('no port for TLS')

    def setUp(self):
        self.config(None, 'tls-auth-clients', 'yes', 'tls-cert-file', path('server.crt'), 'tls-key-file',
                    path('server.key'), 'tls-ca-cert-file', path('ca.crt'), 'tls-protocols', '', 'tls-ciphers', '',
                    'tls-ciphersuites', '')

    def client(self, name='client', ca='ca'):
        mine = ['--cert', path(f'{name}.crt'), '--key', path(f'{name}.key')] if name else []
        return ['-h', '127.0.0.1', '-p', str(self.tls_port), '--tls', '--cacert', path(f'{ca}.crt'), *mine]

    def cli(self, *arguments, name='client', ca='ca', **options):
        return server.run(['redis-cli', *self.client(name, ca), *arguments], **options)

    def output(self, *arguments, **options):
        done = self.cli(*arguments, **options)
        self.assertEqual((done.returncode, done.stderr), (0, '' if options.get('text', True) else b''))
        return done.stdout

    def config(self, refused, *pairs):
        """CONFIG SET over the unix socket. `refused`: the argument that the error names, if it is to fail."""
        done = server.run(['redis-cli', '-s', self.server.socket, 'config', 'set', *pairs])
        wanted = 'OK\n' if not refused else (
            f"ERR CONFIG SET failed (possibly related to argument '{refused}') - Unable to update TLS configuration. "
            'Check server logs.\n\n')
        self.assertEqual(done.stdout, wanted, pairs)

    def handshake(self, *options):
        """What openssl s_client, as `client`, says of a connection."""
        return server.run(['openssl', 's_client', '-connect', f'127.0.0.1:{self.tls_port}', '-CAfile', path('ca.crt'),
                           '-cert', path('client.crt'), '-key', path('client.key'), *options]).stdout

    def subject(self):
        """Whose certificate a client is shown."""
        return [line for line in self.handshake().splitlines() if line.startswith('subject=')]

    def refused(self, done):
        """A client that the server has not let in. Which of these it sees is up to the timing of the alert."""
        self.assertEqual(done.returncode, 1, done)
        self.assertRegex(done.stderr, '^(Error: (Server closed the connection|Connection reset by peer|.*alert)|'
                                      '.*SSL_connect failed)')

    def test_ping(self):
        self.assertEqual(self.output('ping'), 'PONG\n')

    def test_uri(self):
        done = server.run(['redis-cli', '-u', f'rediss://127.0.0.1:{self.tls_port}/2', '--cacert', path('ca.crt'),
                           '--cert', path('client.crt'), '--key', path('client.key'), 'ping'])
        self.assertEqual((done.stdout, done.stderr), ('PONG\n', ''))

    def test_ten_thousand_in_a_pipeline(self):
        lines = ''.join(f'*3\r\n$3\r\nSET\r\n$5\r\nk{i:04}\r\n$4\r\n{i:04}\r\n' for i in range(10_000))
        done = self.cli('--pipe', input=lines)
        self.assertIn('errors: 0, replies: 10000', done.stdout)
        self.assertEqual(self.output('get', 'k9999'), '9999\n')

    def test_five_megabytes_both_ways(self):
        value = random.Random(5).randbytes(5_000_000)
        self.assertEqual(self.output('-x', 'set', 'big', input=value, text=False), b'OK\n')
        self.assertEqual(self.output('get', 'big', text=False), value + b'\n')

    def test_certificates_of_clients(self):
        for auth, admitted in (('yes', {'client'}), ('optional', {'client', None}),
                               ('no', {'client', None, 'stranger'})):
            self.config(None, 'tls-auth-clients', auth)
            for name in ('client', None, 'stranger'):
                done = self.cli('ping', name=name)
                if name in admitted:
                    self.assertEqual((done.stdout, done.stderr), ('PONG\n', ''), (auth, name))
                else:
                    self.refused(done)
        self.server.wait_for_log('peer did not return a certificate')
        self.server.wait_for_log('certificate verify failed')

    def test_expired_certificate_of_a_client(self):
        for auth in ('yes', 'optional'):
            self.config(None, 'tls-auth-clients', auth)
            self.refused(self.cli('ping', name='expired'))
        self.config(None, 'tls-auth-clients', 'no')
        self.assertEqual(self.output('ping', name='expired'), 'PONG\n')

    def test_expired_certificate_of_the_server(self):
        # It is the clients' business: the server takes it.
        self.config(None, 'tls-cert-file', path('expired.crt'), 'tls-key-file', path('expired.key'))
        done = self.cli('ping')
        self.assertEqual(done.returncode, 1)
        self.assertIn('SSL_connect failed: certificate verify failed', done.stderr)
        self.assertEqual(self.output('--insecure', 'ping'), 'PONG\n')

    def test_authority_of_clients_changes(self):
        self.config(None, 'tls-ca-cert-file', path('other.crt'))
        self.assertEqual(self.output('ping', name='stranger'), 'PONG\n')
        self.refused(self.cli('ping'))

    def test_protocols(self):
        for protocols, spoken in (('TLSv1.2', {'TLSv1.2'}), ('TLSv1.3', {'TLSv1.3'}),
                                  ('TLSv1.2 TLSv1.3', {'TLSv1.2', 'TLSv1.3'}), ('tlsv1.2', {'TLSv1.2'}),
                                  ('', {'TLSv1.2', 'TLSv1.3'})):
            self.config(None, 'tls-protocols', protocols)
            for name, option in (('TLSv1.2', '-tls1_2'), ('TLSv1.3', '-tls1_3')):
                self.assertEqual(f'New, {name}, Cipher is' in self.handshake(option), name in spoken, (protocols, name))
            self.assertEqual(self.output('ping'), 'PONG\n')
            # What they say of TLS 1.1 is OpenSSL's policy, and not that it is served.
            self.assertNotIn('New, TLSv1.1', self.handshake('-tls1_1'))

    def test_ciphers(self):
        self.config(None, 'tls-protocols', 'TLSv1.2', 'tls-ciphers', 'ECDHE-ECDSA-AES128-GCM-SHA256')
        self.assertIn('Cipher is ECDHE-ECDSA-AES128-GCM-SHA256', self.handshake())
        self.assertEqual(self.output('--tls-ciphers', 'ECDHE-ECDSA-AES128-GCM-SHA256', 'ping'), 'PONG\n')
        self.refused(self.cli('--tls-ciphers', 'ECDHE-ECDSA-AES256-GCM-SHA384', 'ping'))
        self.config(None, 'tls-protocols', 'TLSv1.3', 'tls-ciphersuites', 'TLS_CHACHA20_POLY1305_SHA256')
        self.assertIn('Cipher is TLS_CHACHA20_POLY1305_SHA256', self.handshake())
        self.refused(self.cli('--tls-ciphersuites', 'TLS_AES_128_GCM_SHA256', 'ping'))
        self.assertEqual(self.output('ping'), 'PONG\n')

    def test_client_that_trusts_another_authority(self):
        done = self.cli('ping', ca='other')
        self.assertEqual(done.returncode, 1)
        self.assertIn('SSL_connect failed: certificate verify failed', done.stderr)
        self.assertEqual(self.output('ping'), 'PONG\n')

    def test_plain_client_on_the_tls_port(self):
        self.refused(server.run(['redis-cli', '-p', str(self.tls_port), 'ping']))
        self.server.wait_for_log(
            'Error accepting a client connection: error:0A00010B:SSL routines::wrong version number')
        self.assertEqual(self.output('ping'), 'PONG\n')

    def test_tls_client_on_the_plain_port(self):
        # redis-cli would wait for a handshake that nobody answers, so only its first words are sent. What they mean as
        # a command of Redis's is up to the random bytes in them.
        hello = ssl.MemoryBIO()
        with self.assertRaises(ssl.SSLWantReadError):
            ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname='localhost').do_handshake()
        with socket.create_connection(('127.0.0.1', self.server.port)) as client:
            client.sendall(hello.read())
            client.shutdown(socket.SHUT_WR)
            answer = b''.join(iter(lambda: client.recv(4096), b''))
        self.assertNotIn(b'\x16\x03', answer)
        done = server.run(['redis-cli', '-p', str(self.server.port), 'ping'])
        self.assertEqual((done.stdout, done.stderr), ('PONG\n', ''))

    def test_handshake_that_stalls(self):
        hello = ssl.MemoryBIO()
        with self.assertRaises(ssl.SSLWantReadError):
            ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname='localhost').do_handshake()
        first, rest = hello.read(100), hello.read()
        with socket.create_connection(('127.0.0.1', self.tls_port)) as client:
            client.sendall(first)
            self.assertEqual(self.output('ping'), 'PONG\n')
            client.sendall(rest)
            self.assertEqual(client.recv(3), b'\x16\x03\x03')
            self.assertEqual(self.output('ping'), 'PONG\n')

    def check_refusals(self):
        """With server2's certificate in use. Each must leave everything as it was."""
        refusals = [(name, file) for name in ('tls-cert-file', 'tls-key-file', 'tls-ca-cert-file', 'tls-dh-params-file')
                    for file in ('/nonexistent', path('junk'), '/')]
        refusals += [('tls-cert-file', ''), ('tls-key-file', ''), ('tls-ca-cert-file', ''),
                     ('tls-cert-file', path('server.crt')), ('tls-key-file', path('server.key')),  # not of each other
                     ('tls-protocols', 'SSLv2'), ('tls-protocols', 'TLSv1.2,TLSv1.3'), ('tls-ciphers', 'none such'),
                     ('tls-ciphersuites', 'none such')]
        for name, value in refusals:
            before = self.get(name)
            self.config(name, name, value)
            self.assertEqual(self.get(name), before, (name, value))
        self.config('tls-key-file', 'tls-auth-clients', 'no', 'tls-key-file', '/nonexistent')
        self.assertEqual(self.get('tls-auth-clients'), 'tls-auth-clients\nyes\n')

    def get(self, name):
        return server.run(['redis-cli', '-s', self.server.socket, 'config', 'get', name]).stdout

    def test_reload_while_a_client_is_connected(self):
        with subprocess.Popen(['redis-cli', *self.client()], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True, env=server.client_environment()) as before:
            def ask():
                before.stdin.write('ping\n')
                before.stdin.flush()
                return before.stdout.readline()
            self.assertEqual(ask(), 'PONG\n')
            self.assertEqual(self.subject(), ['subject=CN = server'])
            self.config(None, 'tls-cert-file', path('server2.crt'), 'tls-key-file', path('server2.key'))
            self.assertEqual(self.subject(), ['subject=CN = server2'])
            self.assertEqual(ask(), 'PONG\n')
            self.check_refusals()
            self.assertEqual(self.subject(), ['subject=CN = server2'])
            self.assertEqual(ask(), 'PONG\n')
            self.config(None, 'tls-cert-file', path('server.crt'), 'tls-key-file', path('server.key'))
            self.assertEqual(self.subject(), ['subject=CN = server'])
            before.stdin.close()

    def test_the_port_moves_stops_and_starts(self):
        old = self.tls_port
        self.config(None, 'tls-port', '0')
        self.assertIn('Connection refused', self.cli('ping').stderr)
        self.tls_port = server.free_port()
        self.config(None, 'tls-port', str(self.tls_port))
        self.assertEqual(self.output('ping'), 'PONG\n')
        self.config(None, 'tls-port', str(old))
        self.assertIn('Connection refused', self.cli('ping').stderr)
        self.tls_port = old
        self.assertEqual(self.output('ping'), 'PONG\n')

    def test_redis_benchmark(self):
        for protocol in ([], ['-3']):
            done = server.run(['redis-benchmark', *self.client(), *protocol, '-P', '32', '-n', '20000', '-q',
                               '-t', 'set,get'])
            self.assertEqual((done.returncode, done.stderr), (0, ''))
            self.assertEqual(done.stdout.count('requests per second'), 2)


class StartTest(unittest.TestCase):

    def test_without_a_certificate(self):
        with self.assertRaises(AssertionError) as raised:
            server.Server(ServerTest.program, '--tls-port', str(server.free_port()))
        self.assertIn('No tls-cert-file configured!', str(raised.exception))
        self.assertIn('Failed to configure TLS', str(raised.exception))


if __name__ == '__main__':
    server.main()
