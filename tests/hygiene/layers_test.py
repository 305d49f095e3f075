"""No arrow goes up: the layers of DESIGN.md, held against what the BUILD files say.

A target of lib/, net/ or bindings/ may depend on its own folder and on the folders that ALLOWED names for it. A folder that
ALLOWED lacks is a failure too, so that whoever makes one says where it stands.
"""

import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(sys.argv.pop(1)).resolve().parent

# Everybody may use these: lib's headers for its users stand beside the layers, as does the clock that they declare.
BESIDE = {"lib:public_headers", "lib:clock"}

# From a folder to those directly or indirectly below it. lib's own targets (":x" of lib/BUILD) stand by themselves.
ALLOWED = {
    "lib/base": set(),
    "lib/memory": {"lib/base"},
    "lib/ds": {"lib/base", "lib/memory"},
    "lib/resp": {"lib/base", "lib/memory"},
    "lib/executor": {"lib/base"},
    "lib/options": {"lib/base"},
    "lib/keyspace": {"lib/base", "lib/ds", "lib/memory"},
    "lib/ops": {"lib/base", "lib/ds", "lib/keyspace", "lib/memory"},
    "lib/engine": {"lib/base", "lib/ds", "lib/keyspace", "lib/memory", "lib/options", "lib/resp"},
    "lib/commands": {"lib/base", "lib/engine", "lib/keyspace", "lib/memory", "lib/ops", "lib/options", "lib/resp"},
    "lib/core": {"lib/base", "lib/commands", "lib/engine", "lib/executor", "lib/keyspace", "lib/memory", "lib/options",
                 "lib/resp", "lib:internal", "lib:reply"},
    "lib/session": {"lib/base", "lib/core", "lib/engine", "lib/executor", "lib/keyspace", "lib/memory", "lib/resp",
                    "lib:internal", "lib:reply"},
    "lib/typed": {"lib/base", "lib/core", "lib/engine", "lib/executor", "lib/keyspace", "lib/memory", "lib/ops",
                  "lib:internal", "lib:reply"},
    # The machinery of the public headers: the same functions for the program's code and for ours.
    "lib:internal": {"lib/base", "lib/memory"},
    "lib:reply": {"lib/base", "lib/keyspace:errors", "lib/resp"},
    "lib:clock": {"lib/base"},
    "lib:public_headers": set(),
    "lib:larder": {"lib/base", "lib/commands", "lib/core", "lib/engine", "lib/executor", "lib/keyspace", "lib/memory",
                   "lib/ops", "lib/options", "lib/resp", "lib/session", "lib/typed", "lib:internal", "lib:reply"},
    # Programs and optional parts.
    "lib/reference": {"lib/base", "lib/commands", "lib/engine", "lib/options"},
    "lib/proto": {"lib/options", "lib:larder"},
    "net/ae": {"lib/base"},
    "net/tls": {"lib/base", "net:channel"},
    "net": {"lib/base", "lib/core", "lib/engine", "lib/session", "lib:larder", "net/ae", "net/tls"},
    "bindings/c": {"lib/base", "lib:larder", "lib:internal", "net"},
}


def strings_of(text, attribute):
    return [s for m in re.finditer(attribute + r" = (?:glob\()?\[(.*?)\]", text, re.DOTALL) for s in re.findall(r'"([^"]+)"', m[1])]


def targets():
    """(folder, target's name, its dependencies as written) of every rule."""
    for folder in ("lib", "net", "bindings"):
        for path in sorted((ROOT / folder).rglob("BUILD")):
            package = str(path.parent.relative_to(ROOT))
            for rule in re.split(r"\n(?=[a-z_]+\()", path.read_text(encoding="utf-8")):
                name = re.search(r'name = "([^"]+)"', rule)
                if name:
                    yield package, name[1], strings_of(rule, r"\b(?:deps|implementation_deps)")


def place_of(package, name):
    """What ALLOWED calls it: targets of lib/BUILD by name, all else by folder."""
    return f"{package}:{name}" if package == "lib" else package


def wrong_arrows(all_targets):
    for package, name, deps in all_targets:
        place = place_of(package, name)
        if place not in ALLOWED:
            if any(d.startswith("//lib") for d in deps) or package != "lib":
                yield f"{package}:{name}: the layers know no '{place}'"
            continue
        for dep in deps:
            label = f"{package}{dep}" if dep.startswith(":") else dep.removeprefix("//")
            if dep.startswith("@") or label in BESIDE:
                continue
            to_package, _, to_name = label.partition(":")
            to_name = to_name or to_package.rsplit("/", 1)[-1]
            to = place_of(to_package, to_name)
            if to != place and to not in ALLOWED[place] and f"{to_package}:{to_name}" not in ALLOWED[place]:
                yield f"{package}:{name} depends on {dep}"


class LayersTest(unittest.TestCase):

    def test_no_arrow_goes_up(self):
        self.assertEqual([], list(wrong_arrows(targets())))

    def test_the_table_itself_goes_one_way(self):
        def reaches(start, seen):
            for to in ALLOWED.get(start, ()):
                if to not in seen:
                    seen.add(to)
                    reaches(to, seen)
            return seen
        # net/tls makes channels, whose interface is net's: the one pair of folders that know parts of each other.
        self.assertEqual([], [place for place in ALLOWED if place in reaches(place, set())])

    def test_all_build_files_are_seen(self):
        found = list(targets())
        self.assertGreater(len(found), 50)
        self.assertGreater(sum(len(deps) for _, _, deps in found), 200)

    def test_an_arrow_up_is_found(self):
        self.assertEqual(["lib/engine:engine depends on //lib/commands:string"],
                         list(wrong_arrows([("lib/engine", "engine", ["//lib/base:bytes", "//lib/commands:string"])])))
        self.assertEqual(["lib/new:new: the layers know no 'lib/new'"],
                         list(wrong_arrows([("lib/new", "new", [])])))


unittest.main(argv=[sys.argv[0], "-v"])
