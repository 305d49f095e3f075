"""Repositories that stand in for Bazel's own rule repositories: a few files of ours, or a folder of Debian's packages."""

def _shim_impl(ctx):
    ctx.file("WORKSPACE", "workspace(name = %r)\n" % ctx.name)
    for label, path in ctx.attr.build_files.items():
        ctx.symlink(label, path)

shim_repository = repository_rule(
    implementation = _shim_impl,
    attrs = {"build_files": attr.label_keyed_string_dict(allow_files = True)},
    doc = "A repository made of files of this one, each at the path given for it.",
)

def _system_rules_impl(ctx):
    source = ctx.path(ctx.attr.path)
    if not source.exists:
        fail("%s is missing: install the package %s (./bazelw does), or define the repository @%s yourself" %
             (source, ctx.attr.debian_package, ctx.name))
    for entry in source.readdir():
        ctx.symlink(entry, entry.basename)

# Not local_repository: that one fails in its own words, which name neither the package nor what to do.
system_rules_repository = repository_rule(
    implementation = _system_rules_impl,
    local = True,
    attrs = {
        "path": attr.string(mandatory = True),
        "debian_package": attr.string(mandatory = True),
    },
    doc = "A folder that a Debian package installs, as a repository.",
)
