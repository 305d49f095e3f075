"""What can be seen in the text of lib/, net/ and bindings/ alone: who includes whom, and what nobody may include. And
that no file of tests/ has been forgotten.

Bazel's visibility holds the same layers; this also holds the CMake build, where every header is in reach.
"""

import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(sys.argv.pop(1)).resolve().parent
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"][^>"]+[>"])', re.MULTILINE)

PUBLIC_HEADER = r"(lib|lib/internal|lib/proto|bindings/c)/[^/]+\.h|net/listener\.h"

# <iostream> and <locale> have static initialisers, clang 14 cannot compile <ranges>, <regex> throws and recurses.
# <signal.h> is allowed: our threads block all signals. What may be called of it, the artefact's list says.
FORBIDDEN = {"<iostream>", "<ranges>", "<regex>", "<locale>"}
# Programs, not library code: a host may do what a guest may not.
PROGRAMS = {"net/larder_server.cc"}


# Constant errors, {absl::StatusCode::kX, "text"}, and messages of Statuses. Adjacent literals are one.
LITERAL = r'((?:"(?:[^"\\]|\\.)*"\s*)+)'
ERROR_TEXT = re.compile(r"ErrorText \w+\{\s*absl::StatusCode::k(\w+),\s*" + LITERAL)
MESSAGE = re.compile(r"(?:MakeStatus\(\s*absl::StatusCode::k\w+,|NoMemory\(|absl::\w+Error\(|"
                     r"inline constexpr std::string_view k\w+ =)\s*" + LITERAL)
WIRE_CODE = re.compile(
    r"(ERR|OOM|WRONGTYPE|NOAUTH|WRONGPASS|NOPERM|NOPROTO|EXECABORT|BUSY|BUSYKEY|LOADING|NOSCRIPT|READONLY) ")
# What Reply::ToStatus makes of them (lib/reply.cc).
CODE_OF = {"WRONGTYPE": "FailedPrecondition", "OOM": "ResourceExhausted", "NOAUTH": "Unauthenticated",
           "WRONGPASS": "Unauthenticated", "NOPERM": "PermissionDenied", "NOSCRIPT": "NotFound", "BUSY": "Unavailable"}


def sources(folder):
    files = [p for p in sorted((ROOT / folder).rglob("*")) if p.suffix in (".h", ".cc", ".c")]
    return [(str(p.relative_to(ROOT)), p.read_text(encoding="utf-8")) for p in files]


def includes(folder):
    for name, text in sources(folder):
        for include in INCLUDE.findall(text):
            yield name, include


class SourceTest(unittest.TestCase):

    def check_none(self, wrong):
        self.assertEqual([], [f"{name} includes {include}" for name, include in wrong])

    def test_every_test_is_in_a_target(self):
        """A program has the tests of many files: one that its list lacks would never run."""
        def named(path):
            build = (path.parent / "BUILD").read_text(encoding="utf-8")
            names = (path.name, path.stem, path.stem.removesuffix("_test"))
            return '["*_test.cc"]' in build or any(f'"{name}"' in build for name in names)
        files = sorted((ROOT / "tests").rglob("*_test.cc"))
        self.assertGreater(len(files), 100)
        self.assertEqual([], [str(path.relative_to(ROOT)) for path in files if not named(path)])

    def test_there_are_sources(self):
        self.assertGreater(len(sources("lib")), 10)

    def test_lib_knows_no_net_and_no_bindings(self):
        self.check_none([(n, i) for n, i in includes("lib") if re.match(r'["<](larder/)?(net|bindings)/|<larder/c/', i)])

    def test_net_knows_no_bindings(self):
        self.check_none([(n, i) for n, i in includes("net") if re.match(r'"bindings/|<larder/c/', i)])

    def test_public_headers_include_nothing_private(self):
        for folder in ("lib", "net", "bindings/c"):
            self.check_none([(n, i) for n, i in includes(folder)
                             if re.fullmatch(PUBLIC_HEADER, n) and re.match(r'"(lib|net|bindings)/', i)])

    def test_public_headers_are_included_as_users_do(self):
        self.check_none([(n, i) for n, i in includes("lib") if re.match(r'"lib/[^/]+\.h"', i)])

    def test_nobody_includes_what_is_forbidden(self):
        for folder in ("lib", "net", "bindings"):
            self.check_none([(n, i) for n, i in includes(folder)
                             if i in FORBIDDEN and not n.startswith(tuple(p[:-3] for p in PROGRAMS))])

    def test_messages_of_statuses_have_no_wire_prefix_and_are_not_empty(self):
        found = 0
        for folder in ("lib", "net", "bindings"):
            for name, text in sources(folder):
                for literal in MESSAGE.findall(text):
                    found += 1
                    message = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literal))
                    self.assertNotEqual("", message, name)
                    self.assertIsNone(WIRE_CODE.match(message), f"{name}: {message}")
        self.assertGreater(found, 30)

    def test_no_message_of_a_status_stands_twice(self):
        places = {}
        for folder in ("lib", "net"):
            for name, text in sources(folder):
                texts = MESSAGE.findall(text) + [literal for _, literal in ERROR_TEXT.findall(text)]
                for literal in texts:
                    places.setdefault("".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literal)), []).append(name)
        # What is twice belongs into lib/base/error_texts.h or lib/keyspace/errors.h.
        self.assertEqual({}, {text: names for text, names in places.items() if len(names) > 1})

    def test_constant_errors_have_the_code_that_their_prefix_says(self):
        found = 0
        for name, text in sources("lib"):
            for code, literal in ERROR_TEXT.findall(text):
                found += 1
                prefix = WIRE_CODE.match(literal[1:])
                if prefix and prefix[1] in CODE_OF:
                    self.assertEqual(CODE_OF[prefix[1]], code, f"{name}: {literal}")
        self.assertGreater(found, 20)

    def test_optional_parts_are_not_reached_from_the_core(self):
        self.check_none([(n, i) for n, i in includes("lib")
                         if re.search(r"lib/(proto|script|dump)/|google/protobuf", i)
                         and not re.match(r"lib/(proto|script|dump)/", n)])


unittest.main(argv=[sys.argv[0], "-v"])
