"""Headers that the compiler reads once for all files: a third of the time of compiling a file is theirs.

A precompiled header holds headers of the system alone (the C++ library, abseil, googletest), never one of ours, so that
a change of ours compiles nothing anew that does not include it. It is a help and nothing else: where it does not fit
(another compiler, other flags) the compiler reads the headers themselves, and each file still includes all that it
uses, which the builds without it see (--config=clang, CMake, users' workspaces).

This workspace's g++ builds have it: see .bazelrc and third_party/pch/BUILD. Another workspace may, by
--define=larder_pch=on, as tests/consumer/bazel does.
"""

def _precompiled_header_impl(ctx):
    libraries = []
    for linker_input in ctx.attr.compiled[CcInfo].linking_context.linker_inputs.to_list():
        if linker_input.owner == ctx.attr.compiled.label:
            libraries.extend(linker_input.libraries)
    header = ctx.actions.declare_file(ctx.label.name + ".h")
    precompiled = ctx.actions.declare_file(ctx.label.name + ".h.gch")
    ctx.actions.symlink(output = header, target_file = ctx.file.source)
    ctx.actions.symlink(output = precompiled, target_file = (libraries[0].pic_objects or libraries[0].objects)[0])

    # The defines of those who own the headers come along: g++ takes no precompiled header that was made under others.
    return [CcInfo(compilation_context = cc_common.create_compilation_context(
        headers = depset([header, precompiled]),
        defines = ctx.attr.compiled[CcInfo].compilation_context.defines,
    ))]

_precompiled_header = rule(
    implementation = _precompiled_header_impl,
    attrs = {
        "compiled": attr.label(mandatory = True, providers = [CcInfo]),
        "source": attr.label(mandatory = True, allow_single_file = True),
    },
)

def precompiled_header(name, source, deps = [], copts = [], testonly = False):
    """Makes `name`, which a library or a test takes among its deps, with -include of it among its copts.

    Args:
      name: of the target.
      source: a file of #include lines and no guard, which ends in .cc so that .bazelrc's flags for such files hold.
      deps: whose headers those are.
      copts: those of the files that take it. All flags that change the code must be the same.
      testonly: as elsewhere.
    """

    # The "object file" of a header is the precompiled header.
    native.cc_library(
        name = name + "_compiled",
        testonly = testonly,
        srcs = [source],
        copts = copts + ["-x", "c++-header"],
        linkstatic = True,
        tags = ["manual"],
        deps = deps,
    )
    _precompiled_header(
        name = name,
        testonly = testonly,
        compiled = ":" + name + "_compiled",
        source = source,
        tags = ["manual"],
        visibility = ["//:__subpackages__"],
    )
