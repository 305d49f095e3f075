"""What the tests of python3-redis share: a client to an empty server."""

import redis

from server import ServerTest


class RedisPyTest(ServerTest):

    def client(self, **options):
        client = redis.Redis(unix_socket_path=self.server.socket, **options)
        self.addCleanup(client.close)
        return client

    def setUp(self):
        self.r = self.client()
        self.assertIs(self.r.flushall(), True)
