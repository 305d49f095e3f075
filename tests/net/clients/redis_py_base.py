"""What the tests of python3-redis share: a client to an empty server, threads."""

import threading

import redis

from server import ServerTest


def in_threads(count, work):
    """Runs work(i) in `count` threads at a time, and gives its results; an exception in one is raised here."""
    results, failures = [None] * count, []

    def run(i):
        try:
            results[i] = work(i)
        except BaseException as failure:  # pylint: disable=broad-except
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return results


class RedisPyTest(ServerTest):

    def client(self, **options):
        client = redis.Redis(unix_socket_path=self.server.socket, **options)
        self.addCleanup(client.close)
        return client

    def setUp(self):
        self.r = self.client()
        self.assertIs(self.r.flushall(), True)
