"""A server for a client to talk to, started and ended the way redis-server is.

Every test of this folder takes the server's program as its first argument, so that the same test holds for
larder-server and for redis-server: what it asks is then known to be Redis's behaviour, and not our idea of it.

As a program, it lends a server to a test in another language:

    server.py SERVER COMMAND [ARGUMENT]...

runs COMMAND with LARDER_SOCKET (a path) and LARDER_PORT (on 127.0.0.1) set, and fails if COMMAND or the server does.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

# Bounds on what should take far less, on a machine that is busy; never waited for in full.
START_S_MAX = 60
STOP_S_MAX = 60
CLIENT_S_MAX = 120
LOG_S_MAX = 60

# A path longer than 107 bytes is no name for a socket, and Bazel's are. From its own folder, each is short.
_folder = None


def enter_folder():
    """Makes the test's folder the current one. Relative paths of the command line are looked up before."""
    global _folder
    if _folder is None:
        _folder = tempfile.TemporaryDirectory(prefix='clients-', dir=os.environ.get('TEST_TMPDIR'))
        os.chdir(_folder.name)


def absolute(program):
    """A path as it is from anywhere; a bare name stays, for PATH."""
    return os.path.abspath(program) if '/' in program else program


def free_port():
    """A port that nobody has at the moment. It may be taken before it is used: see Server."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Server:
    """A running server: `socket` is its path, `port` is on 127.0.0.1."""

    _count = 0

    def __init__(self, program, *options):
        enter_folder()
        Server._count += 1
        self.name = os.path.basename(program)
        self.socket = f'server-{Server._count}.sock'
        for _ in range(5):  # as often as somebody else takes the port first
            self.port = free_port()
            self._start([program, '--port', str(self.port), '--bind', '127.0.0.1', '--unixsocket', self.socket,
                         '--save', '', *options])
            if self.process.poll() is None:
                return
            if not any('Address already in use' in line for line in self.log):
                break
        raise AssertionError(f'{self.name} did not start:\n{self.text()}')

    def _start(self, command):
        self.log = []
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, errors='replace')
        limit = threading.Timer(START_S_MAX, self.process.kill)
        limit.start()
        for line in self.process.stdout:
            self.log.append(line)
            if 'Ready to accept connections' in line:
                break
        else:
            self.process.wait()
        limit.cancel()
        self._logged = threading.Condition()
        self._drain = threading.Thread(target=self._read_log, daemon=True)
        self._drain.start()

    def _read_log(self):
        for line in self.process.stdout:
            with self._logged:
                self.log.append(line)
                self._logged.notify_all()

    def text(self):
        return ''.join(self.log)

    def wait_for_log(self, text):
        """Until a line with `text` has come: a client may see the end of its connection before."""
        with self._logged:
            if not self._logged.wait_for(lambda: any(text in line for line in self.log), timeout=LOG_S_MAX):
                raise AssertionError(f'{self.name} did not log {text!r}:\n{self.text()}')

    def wait(self):
        """Its exit code, once something else has ended it."""
        code = self.process.wait(timeout=STOP_S_MAX)
        self._drain.join(timeout=STOP_S_MAX)
        self.process.stdout.close()
        return code

    def stop(self):
        """SIGTERM must end it cleanly, with its socket file gone."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.wait()
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f'{self.name} goes on after SIGTERM:\n{self.text()}') from None
        if code != 0 or os.path.exists(self.socket):
            raise AssertionError(f'{self.name} ended with {code}:\n{self.text()}')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def run(command, **options):
    """The finished process, its output captured as text, within a bound."""
    options = {'text': True, 'timeout': CLIENT_S_MAX, 'env': client_environment(), **options}
    if 'input' not in options:
        options.setdefault('stdin', subprocess.DEVNULL)
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def client_environment(**more):
    """redis-cli reads neither its owner's ~/.redisclirc nor a password of theirs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith('REDISCLI')}
    return {**kept, 'HOME': os.getcwd(), 'TERM': 'dumb', 'LC_ALL': 'C.UTF-8', **more}


class ServerTest(unittest.TestCase):
    """One server for all tests of a class; `options` are added to its command line."""

    program = ''
    options = ()

    @classmethod
    def setUpClass(cls):
        cls.server = Server(cls.program, *cls.options)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()


def main():
    """Runs the tests of the program that calls it: FILE SERVER [unittest's arguments]."""
    ServerTest.program = absolute(sys.argv[1])
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)


def lend():
    program = absolute(sys.argv[1])
    command = [os.path.abspath(argument) if os.path.exists(argument) else argument for argument in sys.argv[2:]]
    with Server(program) as server:
        environment = client_environment(LARDER_SOCKET=server.socket, LARDER_PORT=str(server.port))
        code = subprocess.run(command, env=environment, timeout=CLIENT_S_MAX).returncode
    sys.exit(code)


if __name__ == '__main__':
    lend()
