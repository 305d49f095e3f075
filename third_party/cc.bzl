"""cc_library as lib/, net/ and bindings/ use it, and what makes one shared object of them."""

load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

# g++ starts to collect garbage at 128 MB; the precompiled headers are 90 and 135 MB. To collect takes up to a fifth of
# a file's time, and most files are through below 600 MB.
_NO_COLLECTION = "--param=ggc-min-heapsize=600000"

def precompiled(header):
    """The copts and deps by which a target takes a precompiled header of //third_party/pch, where that is wanted."""
    copts = {"//conditions:default": []}
    deps = {"//conditions:default": []}
    for wanted in ["wanted", "wanted_for_release"]:
        condition = str(Label("//third_party/pch:" + wanted))
        copts[condition] = ["-include", "third_party/pch/%s.h" % header, _NO_COLLECTION]
        deps[condition] = [str(Label("//third_party/pch:" + header))]
    return struct(copts = select(copts), deps = select(deps))

HIDDEN_SYMBOLS = ["-fvisibility=hidden", "-fvisibility-inlines-hidden"]

def larder_cc_library(name, copts = [], deps = [], **kwargs):
    """A cc_library whose symbols stay its program's own.

    The flags stand here and not in .bazelrc because they must hold in the workspaces of others too, where ours is not
    read. Hidden symbols cannot be found across shared objects, so no library is ever made into one of its own
    (linkstatic): a program or a shared object takes all of Larder in, or none of it.
    """
    native.cc_library(
        name = name,
        copts = HIDDEN_SYMBOLS + precompiled("lib_pch").copts + copts,
        linkstatic = True,
        deps = deps + precompiled("lib_pch").deps,
        **kwargs
    )

def _whole(ctx, feature_configuration, toolchain, library):
    return cc_common.create_library_to_link(
        actions = ctx.actions,
        feature_configuration = feature_configuration,
        cc_toolchain = toolchain,
        static_library = library.static_library,
        pic_static_library = library.pic_static_library,
        alwayslink = True,
    )

def _whole_library_impl(ctx):
    toolchain = find_cpp_toolchain(ctx)
    feature_configuration = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = toolchain,
        requested_features = ctx.features,
        unsupported_features = ctx.disabled_features,
    )
    inputs = []
    for linker_input in ctx.attr.dep[CcInfo].linking_context.linker_inputs.to_list():
        # Others' libraries, such as an abseil that a monorepo builds from source, give only what is asked of them.
        if linker_input.owner.workspace_name != ctx.label.workspace_name:
            inputs.append(linker_input)
            continue
        inputs.append(cc_common.create_linker_input(
            owner = linker_input.owner,
            libraries = depset([_whole(ctx, feature_configuration, toolchain, library) for library in linker_input.libraries]),
            user_link_flags = depset(linker_input.user_link_flags),
            additional_inputs = depset(linker_input.additional_inputs),
        ))
    return [
        CcInfo(
            compilation_context = ctx.attr.dep[CcInfo].compilation_context,
            linking_context = cc_common.create_linking_context(linker_inputs = depset(inputs, order = "topological")),
        ),
        DefaultInfo(),
    ]

_whole_library = rule(
    implementation = _whole_library_impl,
    attrs = {
        "dep": attr.label(mandatory = True, providers = [CcInfo]),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
    },
    fragments = ["cpp"],
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
    doc = "`dep`, of which a link takes every object file of ours and not just those that it finds a use for.",
)

def larder_shared_object(name, dep, c_only = False, linkopts = [], **kwargs):
    """A shared object of `dep` and all of Larder beneath it, which exports what is marked LARDER_API.

    With c_only it exports names of the C interface alone.

    A cc_binary alone would take nothing in: no object file of its own refers to the library.
    """
    exports = Label("//third_party:larder_c.lds") if c_only else Label("//third_party:larder.lds")
    _whole_library(name = "_whole_" + name, dep = dep, visibility = ["//visibility:private"])
    native.cc_binary(
        name = name,
        additional_linker_inputs = [exports],
        linkopts = [
            "-Wl,--version-script=$(location %s)" % exports,
            "-Wl,-soname," + name,
            "-Wl,-z,defs",
            "-Wl,--as-needed",
        ] + linkopts,
        linkshared = True,
        deps = ["_whole_" + name],
        **kwargs
    )
