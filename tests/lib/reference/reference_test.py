"""The reference page has every directive and every command, with all that it promises of them."""

import subprocess
import sys
import unittest

PAGE = subprocess.run([sys.argv.pop(1)], check=True, capture_output=True, text=True).stdout
ROWS = [line.replace("\\|", "\0").strip("|").split("|") for line in PAGE.split("\n") if line.startswith("| `")]
DIRECTIVES = {row[0].strip(" `"): [cell.strip().replace("\0", "|") for cell in row] for row in ROWS if len(row) == 6}
COMMANDS = {row[0].strip(" `").replace("\0", "|"): [cell.strip() for cell in row] for row in ROWS if len(row) == 4}


class ReferenceTest(unittest.TestCase):

    def test_every_directive_of_a_redis_conf_is_there(self):
        self.assertGreater(len(DIRECTIVES), 170)
        for name in ("maxmemory", "hz", "save", "appendonly", "tls-port", "ae-api", "requirepass", "lua-time-limit"):
            self.assertTrue(any(name == d or f"Also called {name}." in row[5] for d, row in DIRECTIVES.items()), name)

    def test_each_has_kind_default_range_and_meaning(self):
        for name, (_, kind, _, default, allowed, meaning) in DIRECTIVES.items():
            self.assertIn(kind, ("served", "compat", "off-only"), name)
            self.assertTrue(default and allowed, name)
            self.assertRegex(meaning, r"^.{10,}[.:]", name)

    def test_units_and_ranges_are_said(self):
        self.assertEqual("bytes", DIRECTIVES["maxmemory"][2])
        self.assertEqual("a number from 1 to 500", DIRECTIVES["hz"][4])
        self.assertEqual("yes or no", DIRECTIVES["daemonize"][4])
        self.assertIn("allkeys-lru", DIRECTIVES["maxmemory-policy"][4])
        self.assertEqual("a number from 0 to 65535", DIRECTIVES["port"][4])

    def test_every_command_and_subcommand_is_there(self):
        self.assertGreater(len(COMMANDS), 90)
        names = [usage.split(" [")[0] for usage in COMMANDS]
        for name in ("GET key", "DEL key", "CONFIG SET parameter value", "CLIENT KILL", "MULTI", "COMMAND", "DBSIZE"):
            self.assertTrue(any(n == name or n.startswith(name + " ") for n in names), name)

    def test_usage_tells_what_is_optional_and_what_comes_again(self):
        self.assertIn("MGET key [key ...]", COMMANDS)
        self.assertIn("MSET key value [key value ...]", COMMANDS)
        self.assertIn("GETRANGE key start end", COMMANDS)
        self.assertIn("SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]", COMMANDS)

    def test_each_has_a_meaning_and_a_cost(self):
        for usage, (_, meaning, complexity, since) in COMMANDS.items():
            self.assertRegex(meaning, r"^.{10,}\.$", usage)
            self.assertTrue(since, usage)
            self.assertTrue(complexity or usage == "MONITOR", usage)


unittest.main(argv=[sys.argv[0], "-v"])
