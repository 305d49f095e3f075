"""cc_test, cc_library and cc_binary as the folders below have them: Bazel's own, with the tests' precompiled header."""

load("//third_party:cc.bzl", "precompiled")

def _with_header(rule, copts = [], deps = [], srcs = [], **kwargs):
    # It is of C++.
    header = precompiled("test_pch")
    if [source for source in srcs if source.endswith(".c")]:
        rule(copts = copts, deps = deps, srcs = srcs, **kwargs)
    else:
        rule(copts = header.copts + copts, deps = deps + header.deps, srcs = srcs, **kwargs)

def cc_test(**kwargs):
    _with_header(native.cc_test, **kwargs)

def cc_library(**kwargs):
    _with_header(native.cc_library, **kwargs)

def cc_binary(**kwargs):
    _with_header(native.cc_binary, **kwargs)
