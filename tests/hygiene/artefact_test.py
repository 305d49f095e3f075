"""The manners of a shared object, read from the artefact itself: what it shows, what it asks for, what it runs on load.

Usage: artefact_test.py LIBRARY ALLOWED_SYMBOLS... [--exports REGEX]
"""

import argparse
import fnmatch
import re
import subprocess
import sys
import unittest

ARGS = None

# std::ios_base::Init is what <iostream> leaves in any file that reaches it, and abseil's headers do.
INIT_CALLS = {"std::ios_base::Init::Init()", "__cxa_atexit"}
INIT_INSTRUCTIONS_MAX = 20
NEEDED = re.compile(r"^(libabsl_\w+|libstdc\+\+|libgcc_s|libc|libm|ld-linux[\w-]*)\.so(\.|$)")


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def demangle(names):
    result = subprocess.run(["c++filt"], input="\n".join(names), check=True, stdout=subprocess.PIPE, text=True)
    return result.stdout.split("\n")[: len(names)]


def dynamic_symbols():
    """(mangled name without version, is it defined) of each dynamic symbol."""
    for line in run("nm", "--dynamic", "--format=posix", ARGS.library).splitlines():
        name, kind = line.split()[:2]
        yield name.split("@")[0], kind not in "Uwv"


def patterns():
    """The allow-lists' patterns: (allowed, denied, those of the allowed that must be of use)."""
    allowed, denied, needed = [], [], []
    for name in ARGS.allowed:
        with open(name, encoding="utf-8") as lines:
            for line in lines:
                line = line.split("#")[0].strip()
                if line.startswith("!"):
                    denied.append(line[1:])
                elif line:
                    allowed.append(line.lstrip("?"))
                    if not line.startswith("?"):
                        needed.append(line)
    return allowed, denied, needed


class ArtefactTest(unittest.TestCase):

    def test_exports_names_of_ours_only(self):
        names = [name for name, defined in dynamic_symbols() if defined]
        self.assertTrue(names, "nothing is exported at all")
        wrong = [shown for name, shown in zip(names, demangle(names)) if not re.search(ARGS.exports, shown)]
        self.assertEqual([], wrong)

    def test_asks_only_for_what_the_list_allows(self):
        allowed, denied, _ = patterns()
        names = sorted({name for name, defined in dynamic_symbols() if not defined})
        wrong = []
        for name, shown in zip(names, demangle(names)):
            is_denied = any(fnmatch.fnmatchcase(name, pattern) for pattern in denied)
            if is_denied or not any(fnmatch.fnmatchcase(name, pattern) for pattern in allowed):
                wrong.append(f"{name} ({shown}){': denied' if is_denied else ''}")
        self.assertEqual([], wrong)

    def test_allow_list_has_no_name_that_nothing_asks_for(self):
        _, _, needed = patterns()
        names = {name for name, defined in dynamic_symbols() if not defined}
        self.assertEqual([], [pattern for pattern in needed if not fnmatch.filter(names, pattern)])

    def test_links_abseil_and_the_cxx_library_only(self):
        needed = re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "--dynamic", "--wide", ARGS.library))
        self.assertIn("libc.so.6", needed)
        self.assertEqual([], [name for name in needed if not NEEDED.match(name)])
        self.assertTrue(any(name.startswith("libabsl_") for name in needed), "abseil was copied in")

    def test_finds_all_that_it_needs(self):
        self.assertNotIn("not found", run("ldd", ARGS.library))

    def test_runs_nothing_on_load(self):
        """Each entry of .init_array is the compiler's own frame_dummy, or <iostream>'s initialiser alone."""
        sections = run("readelf", "--sections", "--wide", ARGS.library)
        found = re.search(r"\.init_array\s+\w+\s+([0-9a-f]+)\s+[0-9a-f]+\s+([0-9a-f]+)", sections)
        self.assertTrue(found, "no .init_array")
        start = int(found.group(1), 16)
        end = start + int(found.group(2), 16)
        functions = {}
        for line in run("nm", "--format=posix", ARGS.library).splitlines():
            fields = line.split()
            if len(fields) > 2 and fields[1] in "tTwW":
                functions.setdefault(int(fields[2], 16), fields[0])
        seen = 0
        for line in run("readelf", "--relocs", "--wide", ARGS.library).splitlines():
            fields = line.split()
            if len(fields) < 4 or not fields[2].endswith("_RELATIVE") or not start <= int(fields[0], 16) < end:
                continue
            seen += 1
            address = int(fields[3], 16)
            self.assertIn(address, functions, "an initialiser without a name: was the library stripped?")
            self.check_initialiser(functions[address])
        self.assertEqual((end - start) // 8, seen)

    def check_initialiser(self, name):
        if name == "frame_dummy":
            return
        text = run("objdump", "--disassemble=" + name, "--no-show-raw-insn", "--demangle", ARGS.library)
        instructions = re.findall(r"^\s+[0-9a-f]+:\t(.+)$", text, re.MULTILINE)
        targets = set()
        for instruction in instructions:
            # A symbol behind an address that is jumped to: a call, or a tail call.
            jump = re.match(r"(?:bnd )?(?:callq?|jmpq?|bl?)\s+[0-9a-f]+ <(.*?)(?:@plt)?(?:\+0x[0-9a-f]+)?>", instruction)
            if jump:
                targets.add(re.sub(r"@.*$", "", jump.group(1)))
        targets.discard(demangle([name])[0])
        self.assertEqual(set(), targets - INIT_CALLS, name)
        self.assertLessEqual(len(instructions), INIT_INSTRUCTIONS_MAX, f"{name} does more than start <iostream>")


def main():
    global ARGS
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("allowed", nargs="+")
    parser.add_argument("--exports", default=r"^(typeinfo (name )?for |vtable for )?larder::v0::|^larder_")
    ARGS = parser.parse_args()
    unittest.main(argv=[sys.argv[0], "-v"])


main()
