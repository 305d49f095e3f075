"""A Python program that serves web pages and Redis clients from one asyncio loop, in one thread, with the same keys.

Larder comes as a shared object with a C interface (larder/c/larder.h), called by ctypes; nothing else is installed. The
listener has no thread: asyncio watches its descriptor and polls it. uvloop takes the same add_reader; tornado's loop is
asyncio's.

    python3 in_asyncio.py liblarder_c.so

    redis-cli -p <the port that it prints> SET greeting hello
    curl localhost:<the other port>/greeting
"""

import asyncio
import ctypes
import sys

BACKGROUND_LOOP = 1  # LARDER_BACKGROUND_LOOP: expiry and the like run in the listener's loop too


class Error(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("message", ctypes.c_char * 508)]


class Value(ctypes.Structure):
    _fields_ = [("node", ctypes.c_void_p)]


def load(path):
    """The library, with what ctypes cannot know: types that are not int."""
    lib = ctypes.CDLL(path)
    pointer, out = ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p)
    error = ctypes.POINTER(Error)
    signatures = {
        "larder_options_new": (ctypes.c_int, out, error),
        "larder_options_text": (ctypes.c_int, pointer, ctypes.c_char_p, ctypes.c_size_t, error),
        "larder_options_background": (ctypes.c_int, pointer, ctypes.c_int, error),
        "larder_options_free": (None, pointer),
        "larder_open": (ctypes.c_int, pointer, out, error),
        "larder_free": (None, pointer),
        "larder_execute": (ctypes.c_int, pointer, ctypes.c_int, ctypes.c_size_t, ctypes.POINTER(ctypes.c_char_p),
                           ctypes.POINTER(ctypes.c_size_t), out, error),
        "larder_root": (Value, pointer),
        "larder_type": (ctypes.c_int, Value),
        "larder_string": (pointer, Value, ctypes.POINTER(ctypes.c_size_t)),
        "larder_integer": (ctypes.c_int64, Value),
        "larder_reply_free": (None, pointer),
        "larder_listener_start_in_loop": (ctypes.c_int, pointer, ctypes.c_int, pointer, out, error),
        "larder_listener_port": (ctypes.c_int, pointer),
        "larder_listener_backend_fd": (ctypes.c_int, pointer),
        "larder_listener_poll": (ctypes.c_int, pointer, ctypes.c_int64),
        "larder_listener_next_delay_ms": (ctypes.c_int64, pointer),
        "larder_listener_free": (None, pointer),
    }
    for name, (result, *arguments) in signatures.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


class Cache:
    """A cache in this process. Every method from the loop's thread."""

    def __init__(self, lib, config=b"bind 127.0.0.1\n"):
        self._lib = lib
        options = self._make(lib.larder_options_new)
        try:
            self._check(lib.larder_options_text, options, config, len(config))
            self._check(lib.larder_options_background, options, BACKGROUND_LOOP)
            self._cache = self._make(lib.larder_open, options)
        finally:
            lib.larder_options_free(options)

    def close(self):
        self._lib.larder_free(self._cache)

    def execute(self, *words):
        """One command: a str for a status or an error, bytes, an int, or None."""
        lib = self._lib
        argv = (ctypes.c_char_p * len(words))(*words)
        lengths = (ctypes.c_size_t * len(words))(*map(len, words))
        reply = self._make(lib.larder_execute, self._cache, 0, len(words), argv, lengths)
        try:
            root, size = lib.larder_root(reply), ctypes.c_size_t()
            kind = lib.larder_type(root)
            if kind == 0:
                return None
            if kind == 4:
                return lib.larder_integer(root)
            text = ctypes.string_at(lib.larder_string(root, size), size.value)
            return text if kind == 1 else text.decode()
        finally:
            lib.larder_reply_free(reply)

    def listen(self, port=0):
        return Listener(self._lib, self._make(self._lib.larder_listener_start_in_loop, self._cache, port, None))

    def _check(self, function, *arguments):
        error = Error()
        if function(*arguments, error) != 0:
            raise OSError(error.message.decode())

    def _make(self, function, *arguments):
        made = ctypes.c_void_p()
        self._check(function, *arguments, made)
        return made


class Listener:
    """Serves Redis clients inside the running asyncio loop, until close()."""

    LOOK_S = 0.01  # how long a request may wait where asyncio has nothing to watch (ae-api select)

    def __init__(self, lib, listener):
        self._lib, self._listener = lib, listener
        self._loop, self._timer = asyncio.get_running_loop(), None
        self.port = lib.larder_listener_port(listener)
        self._fd = lib.larder_listener_backend_fd(listener)
        if self._fd >= 0:
            self._loop.add_reader(self._fd, lib.larder_listener_poll, listener, 0)
        else:
            self._look()

    def _look(self):
        delay = self.LOOK_S
        if self._lib.larder_listener_poll(self._listener, 0) > 0:
            delay = 0  # there may be more
        elif (due_ms := self._lib.larder_listener_next_delay_ms(self._listener)) >= 0:
            delay = min(due_ms / 1000, delay)
        self._timer = self._loop.call_later(delay, self._look)

    def close(self):
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
        else:
            self._timer.cancel()
        self._lib.larder_listener_free(self._listener)


async def serve_page(cache, reader, writer):
    """GET /key answers the key's value."""
    words = (await reader.readline()).split()
    while (await reader.readline()).strip():
        pass
    value = cache.execute(b"GET", words[1][1:]) if len(words) == 3 else None
    status, body = ("404 Not Found", b"no such key") if not isinstance(value, bytes) else ("200 OK", value)
    writer.write(f"HTTP/1.0 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    await writer.drain()
    writer.close()


async def main(path):
    cache = Cache(load(path))
    listener = cache.listen()
    pages = await asyncio.start_server(lambda *streams: serve_page(cache, *streams), "127.0.0.1", 0)
    print(f"redis-cli -p {listener.port} SET greeting hello")
    print(f"curl localhost:{pages.sockets[0].getsockname()[1]}/greeting", flush=True)
    try:
        await pages.serve_forever()
    finally:
        listener.close()
        cache.close()


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1]))
    except KeyboardInterrupt:
        pass
