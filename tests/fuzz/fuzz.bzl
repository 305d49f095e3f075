"""A fuzz target: for clang's libFuzzer, and as a test that replays its corpus by any compiler."""

load("//tests:cc.bzl", "cc_library", "cc_test")

def fuzz_target(name, deps, srcs = None):
    """Makes `name` (libFuzzer; --config=fuzz) and `name`_replay (the quick suite), for the corpus in corpus/`name`.

    Args:
      name: of the target, which ends in _fuzz; its source is `name`.cc.
      deps: what it fuzzes.
      srcs: if there are others.
    """
    cc_library(
        name = name + "_input",
        testonly = True,
        srcs = srcs or [name + ".cc"],
        alwayslink = True,
        deps = deps + [":fuzz"],
    )
    native.cc_binary(
        name = name,
        testonly = True,
        linkopts = ["-fsanitize=fuzzer,address,undefined", "-fsanitize-link-c++-runtime"],
        tags = ["manual"],
        deps = [":" + name + "_input"],
    )
    cc_test(
        name = name + "_replay",
        size = "small",
        srcs = ["replay.cc"],
        args = [native.package_name() + "/corpus/" + name],
        data = native.glob(["corpus/" + name + "/*"]),
        deps = [
            ":fuzz",
            ":" + name + "_input",
        ],
    )
