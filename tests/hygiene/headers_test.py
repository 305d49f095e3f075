"""Each header of lib/, net/ and bindings/ compiles alone.

A header that some source file includes first is seen there, by the build that has no precompiled header
(--config=clang). The others are compiled here, each by itself, with the system's g++ and abseil.
"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv.pop(1)).resolve().parent
FOLDERS = ("lib", "net", "bindings")
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.MULTILINE)
# What <larder/...> means: third_party/cc.bzl and CMakeLists.txt map it for users.
PUBLIC = {"larder/net": "net", "larder/c": "bindings/c", "larder": "lib"}


def real_name(include):
    for prefix, folder in PUBLIC.items():
        if include.startswith(prefix + "/"):
            return folder + include[len(prefix):]
    return include


def headers():
    return sorted(str(p.relative_to(ROOT)) for folder in FOLDERS for p in (ROOT / folder).rglob("*.h"))


def first_includes():
    for folder in FOLDERS:
        for source in (ROOT / folder).rglob("*.cc"):
            include = INCLUDE.search(source.read_text(encoding="utf-8"))
            if include:
                yield real_name(include.group(1))


def complaints(includes, text):
    command = ["g++", "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-x", "c++"]
    return subprocess.run(command + [f"-I{i}" for i in includes] + ["-"], input=text, capture_output=True, text=True,
                          check=False).stderr


class HeadersTest(unittest.TestCase):

    def setUp(self):
        self._temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self._temporary.cleanup)
        public = pathlib.Path(self._temporary.name) / "larder"
        public.mkdir()
        for entry in (ROOT / "lib").iterdir():
            if entry.name in ("internal", "proto") or entry.suffix == ".h":
                (public / entry.name).symlink_to(entry)
        (public / "net").symlink_to(ROOT / "net")
        (public / "c").symlink_to(ROOT / "bindings" / "c")
        self.includes = [str(ROOT), self._temporary.name]

    def test_a_header_that_lacks_something_is_found(self):
        self.assertEqual("", complaints(self.includes, "#include <string>\nstd::string f();\n"))
        self.assertNotEqual("", complaints(self.includes, "std::string f();\n"))

    def test_each_compiles_alone(self):
        seen = set(first_includes())
        rest = [h for h in headers() if h not in seen]
        self.assertGreater(len(seen), 50)
        self.assertGreater(len(rest), 20)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            found = pool.map(lambda h: complaints(self.includes, f'#include "{h}"\n'), rest)
            wrong = [f"{header}:\n{text}" for header, text in zip(rest, found) if text]
        self.assertEqual([], wrong, "\n" + "\n".join(wrong))


if __name__ == "__main__":
    unittest.main()
