"""cc_library as lib/, net/ and bindings/ use it."""

def larder_cc_library(name, copts = [], **kwargs):
    """A cc_library whose symbols stay its program's own.

    The flags stand here and not in .bazelrc because they must hold in the workspaces of others too, where ours is not
    read. Hidden symbols cannot be found across shared objects, so no library is ever made into one of its own
    (linkstatic): a program or a shared object takes all of Larder in, or none of it.
    """
    native.cc_library(
        name = name,
        copts = ["-fvisibility=hidden", "-fvisibility-inlines-hidden"] + copts,
        linkstatic = True,
        **kwargs
    )
