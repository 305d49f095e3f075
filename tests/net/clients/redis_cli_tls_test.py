"""redis-cli --tls and redis-benchmark --tls against a server, with certificates that the openssl program has made.

Usage: redis_cli_tls_test.py SERVER
"""

import os
import random
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
    """ca and, signed by it, server, server2, client; other, which has signed stranger."""
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
        self.config(0, 'tls-auth-clients', 'yes')

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
        """CONFIG SET over the unix socket. `refused`: the argument that the error names; 0: none."""
        done = server.run(['redis-cli', '-s', self.server.socket, 'config', 'set', *pairs])
        wanted = 'OK\n' if not refused else (
            f"ERR CONFIG SET failed (possibly related to argument '{refused}') - Unable to update TLS configuration. "
            'Check server logs.\n\n')
        self.assertEqual(done.stdout, wanted, pairs)

    def subject(self):
        """Whose certificate a client is shown."""
        done = server.run(['openssl', 's_client', '-connect', f'127.0.0.1:{self.tls_port}', '-CAfile', path('ca.crt'),
                           '-cert', path('client.crt'), '-key', path('client.key')])
        return [line for line in done.stdout.splitlines() if line.startswith('subject=')]

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
            self.config(0, 'tls-auth-clients', auth)
            for name in ('client', None, 'stranger'):
                done = self.cli('ping', name=name)
                if name in admitted:
                    self.assertEqual((done.stdout, done.stderr), ('PONG\n', ''), (auth, name))
                else:
                    self.assertEqual(done.returncode, 1, (auth, name))
                    self.assertRegex(done.stderr, r'^Error: (Server closed the connection|Connection reset by peer)|'
                                                  r'SSL_connect failed')
        self.assertIn('peer did not return a certificate', self.server.text())
        self.assertIn('certificate verify failed', self.server.text())

    def test_client_that_trusts_another_authority(self):
        done = self.cli('ping', ca='other')
        self.assertEqual(done.returncode, 1)
        self.assertIn('SSL_connect failed: certificate verify failed', done.stderr)
        self.assertEqual(self.output('ping'), 'PONG\n')

    def test_plain_client_on_the_tls_port(self):
        done = server.run(['redis-cli', '-p', str(self.tls_port), 'ping'])
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, '^Error: (Server closed the connection|Connection reset by peer)')
        self.assertIn('Error accepting a client connection: error:0A00010B:SSL routines::wrong version number',
                      self.server.text())
        self.assertEqual(self.output('ping'), 'PONG\n')

    def test_reload_while_a_client_is_connected(self):
        with subprocess.Popen(['redis-cli', *self.client()], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True, env=server.client_environment()) as before:
            def ask():
                before.stdin.write('ping\n')
                before.stdin.flush()
                return before.stdout.readline()
            self.assertEqual(ask(), 'PONG\n')
            self.assertEqual(self.subject(), ['subject=CN = server'])
            self.config(0, 'tls-cert-file', path('server2.crt'), 'tls-key-file', path('server2.key'))
            self.assertEqual(self.subject(), ['subject=CN = server2'])
            self.assertEqual(ask(), 'PONG\n')
            for name in ('tls-cert-file', 'tls-key-file', 'tls-ca-cert-file', 'tls-dh-params-file'):
                self.config(name, name, '/nonexistent')
            self.config('tls-protocols', 'tls-protocols', 'SSLv2')
            self.config('tls-ciphers', 'tls-ciphers', 'none such')
            self.config('tls-ciphersuites', 'tls-ciphersuites', 'none such')
            self.config('tls-cert-file', 'tls-cert-file', path('server.crt'))  # not of this key
            self.assertEqual(self.subject(), ['subject=CN = server2'])
            self.assertEqual(ask(), 'PONG\n')
            self.config(0, 'tls-cert-file', path('server.crt'), 'tls-key-file', path('server.key'))
            self.assertEqual(self.subject(), ['subject=CN = server'])
            before.stdin.close()

    def test_the_port_moves_stops_and_starts(self):
        old = self.tls_port
        self.config(0, 'tls-port', '0')
        self.assertIn('Connection refused', self.cli('ping').stderr)
        self.tls_port = server.free_port()
        self.config(0, 'tls-port', str(self.tls_port))
        self.assertEqual(self.output('ping'), 'PONG\n')
        self.config(0, 'tls-port', str(old))
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
