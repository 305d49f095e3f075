"""A target built as users build it, whatever flags the test of it is run with. With -c opt --force_pic, those of `bazelw run`,
nothing is compiled that a program that was run has compiled already."""

def _as_released_impl(settings, attr):
    return {
        "//command_line_option:compilation_mode": "opt",
        "//command_line_option:copt": [],
        "//command_line_option:cxxopt": settings["//command_line_option:cxxopt"] + attr.cxxopts,
        "//command_line_option:linkopt": [],
    }

_as_released = transition(
    implementation = _as_released_impl,
    inputs = ["//command_line_option:cxxopt"],
    outputs = [
        "//command_line_option:compilation_mode",
        "//command_line_option:copt",
        "//command_line_option:cxxopt",
        "//command_line_option:linkopt",
    ],
)

def _released_impl(ctx):
    # A name of its own, so that two builds of one library can lie side by side in a test's runfiles.
    output = ctx.actions.declare_file(ctx.label.name + ".so")
    ctx.actions.symlink(output = output, target_file = ctx.attr.target[0][DefaultInfo].files.to_list()[0])
    return [DefaultInfo(files = depset([output]), runfiles = ctx.runfiles([output]))]

released = rule(
    implementation = _released_impl,
    attrs = {
        "target": attr.label(mandatory = True, cfg = _as_released),
        "cxxopts": attr.string_list(doc = "Flags over those of every file."),
        "_allowlist_function_transition": attr.label(default = "@bazel_tools//tools/allowlists/function_transition_allowlist"),
    },
    doc = "The shared object `target`, built with -c opt and without a sanitizer.",
)
