"""What must not compile, with the message that tells why.

    refused_test.py LIB_EXPORT_H
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

LIB = pathlib.Path(sys.argv.pop(1)).parent
COMPILER = os.environ.get("CXX", "c++")
BEFORE = "#include <larder/cache.h>\nvoid F(larder::Cache& cache) {\n  (void)cache;\n"


def complaints(body, standard="c++20"):
    """What the compiler has against it; "" if it compiles."""
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(LIB.resolve(), os.path.join(folder, "larder"))
        source = os.path.join(folder, "source.cc")
        pathlib.Path(source).write_text(BEFORE + body + "\n}\n", encoding="utf-8")
        result = subprocess.run([COMPILER, f"-std={standard}", "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
                                 "-I", folder, source], capture_output=True, text=True)
        return result.stderr if result.returncode != 0 else ""


class RefusedTest(unittest.TestCase):

    def test_what_is_right_compiles(self):
        self.assertEqual("", complaints("""
            (void)cache.Atomically([](larder::Transaction& t) { return t.Increment("n"); });
            (void)cache.Atomically([](larder::Transaction&) {});
            (void)cache.Delete({"a", "b"});
            larder::Database database = cache;
            (void)database.Get("k");
        """))

    def test_cxx_17_is_told_that_it_is_cxx_17(self):
        first = [line for line in complaints("", "c++17").split("\n") if "error" in line][0]
        self.assertIn("C++20: compile with -std=c++20", first)

    def test_atomically_must_be_able_to_say_that_it_did_not_run(self):
        self.assertIn("must return nothing, an absl::Status or an absl::StatusOr<T>",
                      complaints("(void)cache.Atomically([](larder::Transaction&) { return 1; });"))

    def test_several_keys_are_not_one(self):
        calls = ('Get({"a", "b"})', 'Ttl({"a", "b"})', 'Set({"a", "b"}, "v")', 'Increment({"a", "b"})',
                 'Expire({"a", "b"}, absl::Seconds(1))', 'GetOrLoad({"a", "b"}, absl::Seconds(1), 0)')
        errors = complaints("".join(f"(void)cache.{call};\n" for call in calls))
        self.assertEqual(len(calls), errors.count("use of deleted function"), errors)

    def test_a_transaction_stays_where_it_is(self):
        uses = ("larder::Transaction copy = t;", "larder::Database sliced = t;", "larder::Transaction moved = std::move(t);",
                "larder::Database assigned = cache; assigned = t;",
                "auto by_value = [](auto database) { (void)database; }; by_value(t);")
        calls = "".join(f"(void)cache.Atomically([&](larder::Transaction& t) {{ {use} }});\n" for use in uses)
        errors = complaints(calls)
        self.assertEqual(len(uses), errors.count("use of deleted function"), errors)
        self.assertNotEqual("", complaints("(void)cache.Atomically([](larder::Transaction& t) { return t.Db(1); });"))


unittest.main(argv=[sys.argv[0], "-v"])
