"""The listener inside asyncio, by the classes of tests/examples/in_asyncio.py, with epoll and with select. Clients
are asyncio's own where that can be: everything happens on one thread."""

import asyncio
import os
import pathlib
import sys
import threading
import unittest

LIBRARY = sys.argv.pop(1)
sys.path.insert(0, str(pathlib.Path(sys.argv.pop(1)).parent))

import in_asyncio  # noqa: E402


def threads():
    return len(os.listdir("/proc/self/task"))


class AsyncioTest:
    poller = None

    async def asyncSetUp(self):
        self.threads = threads()
        self.cache = in_asyncio.Cache(in_asyncio.load(LIBRARY), b"bind 127.0.0.1\nae-api " + self.poller + b"\n")
        self.listener = self.cache.listen()

    async def asyncTearDown(self):
        if self.listener is not None:
            self.listener.close()
        self.cache.close()

    async def connect(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.listener.port)
        self.addCleanup(writer.close)
        return reader, writer

    async def expect(self, streams, request, answer):
        streams[1].write(request)
        got = await asyncio.wait_for(streams[0].readexactly(len(answer)), 30)
        self.assertTrue(got == answer, got[:100])

    async def test_clients_are_served_on_this_thread(self):
        client = await self.connect()
        await self.expect(client, b"SET k v\r\n", b"+OK\r\n")
        await self.expect(client, b"GET k\r\n", b"$1\r\nv\r\n")
        self.assertEqual(self.cache.execute(b"GET", b"k"), b"v")
        self.assertEqual(self.cache.execute(b"SET", b"k", b"from inside"), "OK")
        await self.expect(client, b"GET k\r\n", b"$11\r\nfrom inside\r\n")
        # One that an earlier test joined may have been listed still.
        self.assertLessEqual(threads(), self.threads)

    async def test_a_deep_pipeline_is_answered(self):
        client = await self.connect()
        await self.expect(client, b"SET k v\r\nGET k\r\n" * 50_000, b"+OK\r\n$1\r\nv\r\n" * 50_000)

    async def test_a_client_on_a_thread_is_served_while_the_loop_works(self):
        done, ticks = [], 0

        def run():
            import socket
            with socket.create_connection(("127.0.0.1", self.listener.port)) as client:
                for i in range(1000):
                    client.sendall(b"INCR n\r\n")
                    done.append(client.recv(64))

        # With a poller without a descriptor each answer takes a look of up to 10 ms.
        if self.poller != b"epoll":
            self.listener.LOOK_S = 0.0005
        thread = threading.Thread(target=run)
        thread.start()
        while thread.is_alive():
            await asyncio.sleep(0.001)
            ticks += 1
        thread.join()
        self.assertEqual(done[-1], b":1000\r\n")
        self.assertGreater(ticks, 0)

    async def test_expiry_runs_while_all_is_idle(self):
        self.cache.execute(b"SET", b"k", b"v", b"PX", b"30")

        async def gone():
            while self.cache.execute(b"DBSIZE") == 1:
                await asyncio.sleep(0.001)

        await asyncio.wait_for(gone(), 30)

    async def test_it_stops_and_the_loop_goes_on(self):
        client = await self.connect()
        await self.expect(client, b"SET k v\r\n", b"+OK\r\n")
        self.listener.close()
        self.listener = None
        self.assertEqual(await asyncio.wait_for(client[0].read(), 30), b"")
        self.listener = self.cache.listen()
        await self.expect(await self.connect(), b"GET k\r\n", b"$1\r\nv\r\n")

    async def test_web_pages_and_redis_clients_share_keys(self):
        pages = await asyncio.start_server(lambda *s: in_asyncio.serve_page(self.cache, *s), "127.0.0.1", 0)
        await self.expect(await self.connect(), b"SET greeting hello\r\n", b"+OK\r\n")
        for path, answer in (b"/greeting", b"hello"), (b"/missing", b"no such key"):
            reader, writer = await asyncio.open_connection(*pages.sockets[0].getsockname())
            writer.write(b"GET " + path + b" HTTP/1.0\r\n\r\n")
            page = await asyncio.wait_for(reader.read(), 30)
            self.assertTrue(page.endswith(b"\r\n\r\n" + answer), page)
            writer.close()
        pages.close()

    async def test_an_error_is_an_exception(self):
        with self.assertRaisesRegex(OSError, "ae-api"):
            in_asyncio.Cache(in_asyncio.load(LIBRARY), b"ae-api kqueues\n")


class EpollTest(AsyncioTest, unittest.IsolatedAsyncioTestCase):
    poller = b"epoll"


class SelectTest(AsyncioTest, unittest.IsolatedAsyncioTestCase):
    poller = b"select"


unittest.main(argv=[sys.argv[0], "-v"])
