"""What only the executor's holder may touch: clang refuses a breach, and takes the right form of the same code.

The cases are compiled against the headers of the tree, with the flags that .bazelrc gives to `--config=clang`; nothing is
linked. The lines that are breaches are marked: clang has to refuse these and no others, and to find no other fault.
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv.pop(1)).resolve().parent
CLANG = "clang-14"

CASES = {
    "a public method that forgets the executor": """
        #include "lib/core/core.h"
        using namespace larder;
        size_t Size(core::CacheCore& core, keyspace::Db& db) {
          (void)core;
          return db.size();                                                         // breach
        }
        size_t SizeHeld(core::CacheCore& core, keyspace::Db& db) {
          size_t size = 0;
          (void)core.Run([&]() LARDER_REQUIRES_HOLDER { size = db.size(); });
          return size;
        }
    """,
    "a lambda that is given to somebody else than the executor": """
        #include "lib/core/core.h"
        using namespace larder;
        void Elsewhere(void (*run)(void*), void* arg);
        void Later(core::CacheCore& core) {
          Elsewhere([](void* arg) {
            auto& engine = static_cast<core::CacheCore*>(arg)->engine();
            engine.CheckClientsMemory();                                            // breach
          }, &core);
        }
        void Now(core::CacheCore& core) {
          (void)core.Run([&]() LARDER_REQUIRES_HOLDER { core.engine().CheckClientsMemory(); });
        }
    """,
    "a background thread that does a step of the keyspace's work": """
        #include "lib/core/core.h"
        using namespace larder;
        int64_t Step(void* arg) {
          auto& core = *static_cast<core::CacheCore*>(arg);
          core.engine().keyspace().garbage().FreeStep();                                      // breach
          return executor::BackgroundThread::kNever;
        }
        int64_t StepHeld(void* arg) {
          auto& core = *static_cast<core::CacheCore*>(arg);
          (void)core.Run([&]() LARDER_REQUIRES_HOLDER { core.engine().keyspace().garbage().FreeStep(); });
          return executor::BackgroundThread::kNever;
        }
    """,
    "a loop that reads what clients there are": """
        #include "lib/core/core.h"
        using namespace larder;
        struct Connection {
          core::CacheCore& core;
          bool OnReadable(uint64_t id) {
            if (!core.executor().TryAcquire()) {
              return core.engine().clients().Find(id) != nullptr;                   // breach
            }
            const bool found = core.engine().clients().Find(id) != nullptr;
            core.AfterOp();
            core.executor().Release();
            return found;
          }
        };
    """,
    "a call after the executor has been let go": """
        #include "lib/core/core.h"
        using namespace larder;
        void Write(core::CacheCore& core, keyspace::Db& db) {
          if (!core.executor().TryAcquire()) return;
          db.NoteAbsence("key");
          core.executor().Release();
          db.NoteAbsence("key");                                                    // breach
        }
    """,
    "a batch that runs a command where its loop parses": """
        #include "lib/core/core.h"
        using namespace larder;
        void Parsed(core::CacheCore& core, engine::ClientState& client, resp::ReplyWriter& reply) {
          const Bytes argv[] = {"GET", "key"};
          engine::Dispatch(core.engine(), client, argv, reply, 1);                  // breach
        }
    """,
    "a member of the keyspace's that a new accessor hands out": """
        #include "lib/base/holder.h"
        class Counter {
         public:
          int Next() LARDER_REQUIRES_HOLDER { return ++count_; }
          int count() const { return count_; }                                      // breach
         private:
          int count_ LARDER_GUARDED_BY_HOLDER = 0;
        };
    """,
    "a command's function, which asks its context, and its helper, which has none": """
        #include "lib/commands/family.h"
        #include "lib/ops/keys.h"
        namespace larder::inline v0::commands {
        int64_t CountOf(keyspace::Db& db, std::span<const Bytes> keys) {
          return ops::keys::Count(db, keys, keyspace::Lookup::kPeek);               // breach
        }
        Error Exists(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
          reply.Int(ops::keys::Count(ctx.db(), args.rest(), keyspace::Lookup::kPeek));
          return kOk;
        }
        }
    """,
}


def flags():
    """What .bazelrc says of clang's analysis, and of the language."""
    text = (ROOT / ".bazelrc").read_text(encoding="utf-8")
    found = re.search(r"^build:clang --per_file_copt=\S+@(-Wthread-safety,\S+)$", text, re.MULTILINE)
    assert found, ".bazelrc gives --config=clang no -Wthread-safety"
    return ["-std=c++20", *found[1].split(",")]


def refused_lines(source, scratch):
    """(the lines that clang refuses for the holder's sake, all that it says)."""
    path = scratch / "cases.cc"
    path.write_text("\n".join(source) + "\n", encoding="utf-8")
    done = subprocess.run([CLANG, "-fsyntax-only", *flags(), f"-I{ROOT}", f"-I{scratch}", str(path)],
                          capture_output=True, text=True, check=False)
    lines = re.findall(r"cases\.cc:(\d+):\d+: error: .*\[-Werror,-Wthread-safety", done.stderr)
    errors = re.findall(r": (?:fatal )?error: ", done.stderr)
    assert len(errors) == len(lines) and (done.returncode != 0) == bool(lines), done.stderr  # nothing but breaches
    return {int(line) for line in lines}, done.stderr


class HolderTest(unittest.TestCase):
    def test_each_breach_is_refused_and_nothing_else(self):
        source = []  # of all cases, since reading the headers takes longer than all else
        begins = {}
        for name, code in CASES.items():
            begins[name] = len(source)
            source += code.splitlines()
        with tempfile.TemporaryDirectory() as directory:
            scratch = pathlib.Path(directory)
            (scratch / "larder").symlink_to(ROOT / "lib")  # <larder/x.h>, as Bazel and CMake show it
            refused, said = refused_lines(source, scratch)
        for name, code in CASES.items():
            with self.subTest(name):
                lines = range(begins[name] + 1, begins[name] + 1 + len(code.splitlines()))
                marked = {line for line in lines if source[line - 1].endswith("// breach")}
                self.assertTrue(marked)
                self.assertEqual(refused & set(lines), marked, said)


if __name__ == "__main__":
    unittest.main()
