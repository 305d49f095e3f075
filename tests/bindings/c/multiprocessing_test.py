"""Python's multiprocessing forks: workers that call the cache get an error, and what they free ends nothing for the
process that opened it. Through the C ABI, by ctypes."""

import ctypes
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import threading
import unittest

LIBRARY = sys.argv.pop(1)

OK = 0
FAILED_PRECONDITION = 9  # as absl's and gRPC's codes


def load():
    lib = ctypes.CDLL(LIBRARY)
    for name in ("larder_free", "larder_listener_free", "larder_options_free", "larder_reply_free",
                 "larder_session_free", "larder_connection_free"):
        getattr(lib, name).restype = None
        getattr(lib, name).argtypes = [ctypes.c_void_p]
    lib.larder_options_text.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p]
    lib.larder_open.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
    lib.larder_close.argtypes = [ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p]
    lib.larder_listener_start.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p,
                                          ctypes.c_void_p]
    lib.larder_listener_port.argtypes = [ctypes.c_void_p]
    lib.larder_execute.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p,
                                   ctypes.c_void_p, ctypes.c_void_p]
    for name in ("larder_session_new", "larder_connection_new"):
        getattr(lib, name).argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
    return lib


class World:
    """A cache with a listener on a free port and a unix socket."""

    def __init__(self, path):
        self.lib = load()
        options = ctypes.c_void_p()
        assert self.lib.larder_options_new(ctypes.byref(options), None) == OK
        text = ("bind 127.0.0.1\nunixsocket %s\n" % path).encode()
        assert self.lib.larder_options_text(options, text, len(text), None) == OK
        self.cache, self.listener = ctypes.c_void_p(), ctypes.c_void_p()
        assert self.lib.larder_open(options, ctypes.byref(self.cache), None) == OK
        self.lib.larder_options_free(options)
        assert self.lib.larder_listener_start(self.cache, 0, None, ctypes.byref(self.listener), None) == OK
        self.port = self.lib.larder_listener_port(self.listener)

    def execute(self, *words):
        argv = (ctypes.c_char_p * len(words))(*words)
        reply = ctypes.c_void_p()
        status = self.lib.larder_execute(self.cache, 0, len(words), argv, None, ctypes.byref(reply), None)
        if status == OK:
            self.lib.larder_reply_free(reply)
        return status

    def close(self):
        self.lib.larder_listener_free(self.listener)
        self.lib.larder_free(self.cache)


def use_and_free(world):
    """In a worker. Any way out but the last is a failure of the test."""
    signal.alarm(60)
    for words in ((b"GET", b"k"), (b"SET", b"k", b"v"), (b"SET", b"k", b"v" * 5_000_000)):
        if world.execute(*words) != FAILED_PRECONDITION:
            os._exit(1)
    session, connection = ctypes.c_void_p(), ctypes.c_void_p()
    if world.lib.larder_session_new(world.cache, ctypes.byref(session), None) != FAILED_PRECONDITION:
        os._exit(2)
    if world.lib.larder_connection_new(world.cache, ctypes.byref(connection), None) != FAILED_PRECONDITION:
        os._exit(3)
    if world.lib.larder_close(world.cache, -1, None) != FAILED_PRECONDITION:
        os._exit(4)
    world.close()
    # A cache of its own serves.
    with tempfile.TemporaryDirectory() as folder:
        own = World(os.path.join(folder, "s"))
        if own.execute(b"SET", b"k", b"v") != OK:
            os._exit(5)
        own.close()
    os._exit(42)


class MultiprocessingTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "s")
        self.world = World(self.path)

    def tearDown(self):
        self.world.close()
        self.folder.cleanup()

    def expect_served(self, client):
        client.sendall(b"PING\r\n")
        self.assertEqual(client.recv(100), b"+PONG\r\n")

    def connect(self):
        tcp = socket.create_connection(("127.0.0.1", self.world.port), timeout=30)
        unix = socket.socket(socket.AF_UNIX)
        unix.settimeout(30)
        unix.connect(self.path)
        return tcp, unix

    def test_workers_end_nothing(self):
        clients = self.connect()
        stop = threading.Event()

        def write():
            i = 0
            while not stop.is_set():
                i += 1
                self.world.execute(b"SET", b"key%d" % (i % 1000), b"v" * (3_000_000 if i % 50 == 0 else 10))

        threads = [threading.Thread(target=write) for _ in range(2)]
        for thread in threads:
            thread.start()
        fork = multiprocessing.get_context("fork")
        for _ in range(5):
            workers = [fork.Process(target=use_and_free, args=(self.world,)) for _ in range(2)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
                self.assertEqual(worker.exitcode, 42)
            for client in clients + self.connect():
                self.expect_served(client)
        stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual(self.world.execute(b"PING"), OK)


if __name__ == "__main__":
    unittest.main()
