"""The system's libraries under upstream's labels, read from their pkg-config files.

One cc_library is made of each pkg-config file that is reached, its `Requires` as deps and its `Libs` as linkopts, so
that a target links what it uses and no more. Nothing is compiled or copied: headers and shared objects stay where the
system has them, in folders that compiler and linker search anyway.
"""

load("//third_party:absl_targets.bzl", "ABSL_TARGETS")

def _fail_missing(ctx, what, debian_package):
    fail("%s not found: install %s (./bazelw does), or define the repository @%s yourself" %
         (what, debian_package, ctx.name))

def _pkg_config(ctx, args, debian_package):
    tool = ctx.which("pkg-config")
    if not tool:
        _fail_missing(ctx, "pkg-config", "pkg-config")
    result = ctx.execute([tool] + args)
    if result.return_code:
        _fail_missing(ctx, "pkg-config module " + args[-1], debian_package)
    return result.stdout.strip()

def _read_module(ctx, folder, name):
    """The fields of one pkg-config file, with its variables put in."""
    path = ctx.path(folder + "/" + name + ".pc")
    if not path.exists:
        return None
    variables = {}
    fields = {}
    for line in ctx.read(path).split("\n"):
        line = line.strip()
        for key, value in variables.items():
            line = line.replace("${%s}" % key, value)
        equals, colon = line.find("="), line.find(":")
        if equals > 0 and (colon < 0 or equals < colon):
            variables[line[:equals].strip()] = line[equals + 1:].strip()
        elif colon > 0:
            fields[line[:colon]] = line[colon + 1:].strip()
    return fields

def _words(text):
    return [word for word in text.replace("\t", " ").split(" ") if word]

def _required(fields):
    """Names in `Requires`, without the versions that may stand behind them."""
    names = []
    version_next = False
    for word in _words(fields.get("Requires", "").replace(",", " ")):
        if word in ["=", "<", ">", "<=", ">=", "!="]:
            version_next = True
        elif version_next:
            version_next = False
        elif word not in names:
            names.append(word)
    return names

def _linkopts(fields):
    # The folders of libraries are the linker's own; -L of them would only put them before others.
    return [word for word in _words(fields.get("Libs", "")) if not word.startswith("-L")]

def _defines(fields):
    return [word[2:] for word in _words(fields.get("Cflags", "")) if word.startswith("-D")]

def _library(name, linkopts = [], deps = [], defines = [], visibility = "//:__subpackages__"):
    return """cc_library(
    name = %r,
    defines = %r,
    linkopts = %r,
    visibility = [%r],
    deps = %r,
)
""" % (name, defines, linkopts, visibility, deps)

def _modules_build_file(ctx, folder, roots):
    """One cc_library for each module that `roots` reach."""
    seen = {}
    todo = list(roots)
    for _ in range(10000):  # Starlark has no while.
        if not todo:
            break
        name = todo.pop()
        if name in seen:
            continue
        seen[name] = _read_module(ctx, folder, name)
        todo.extend(_required(seen[name]) if seen[name] else [])
    return "\n".join([
        _library(name, _linkopts(seen[name]), [":" + r for r in _required(seen[name]) if seen[r]], _defines(seen[name]))
        for name in sorted(seen)
        if seen[name]
    ])

def _absl_impl(ctx):
    package = "libabsl-dev"
    folder = _pkg_config(ctx, ["--variable=pcfiledir", "absl_base"], package)
    roots = []
    for path, targets in ABSL_TARGETS.items():
        aliases = []
        for target, module in targets.items():
            if ctx.path(folder + "/" + module + ".pc").exists:
                roots.append(module)
                aliases.append("alias(name = %r, actual = %r)\n" % (target, "//:" + module))
        ctx.file(path + "/BUILD", "package(default_visibility = [\"//visibility:public\"])\n\n" + "\n".join(aliases))
    ctx.file("WORKSPACE", "workspace(name = %r)\n" % ctx.name)
    ctx.file("BUILD", _modules_build_file(ctx, folder, roots))

system_absl = repository_rule(
    implementation = _absl_impl,
    local = True,
    environ = ["PKG_CONFIG_PATH"],
    doc = "@com_google_absl over the system's shared objects of abseil.",
)

def _system_library_impl(ctx):
    text = []
    for name, modules in ctx.attr.targets.items():
        linkopts = _words(_pkg_config(ctx, ["--libs"] + _words(modules), ctx.attr.debian_package))
        text.append(_library(name, [word for word in linkopts if not word.startswith("-L")], visibility = "//visibility:public"))
    for name, linkopts in ctx.attr.linkopts.items():
        text.append(_library(name, _words(linkopts), visibility = "//visibility:public"))
    ctx.file("WORKSPACE", "workspace(name = %r)\n" % ctx.name)
    ctx.file("BUILD", "\n".join(text))

system_library = repository_rule(
    implementation = _system_library_impl,
    local = True,
    environ = ["PKG_CONFIG_PATH"],
    attrs = {
        "debian_package": attr.string(mandatory = True),
        "linkopts": attr.string_dict(),
        "targets": attr.string_dict(),
    },
    doc = "A library of the system: for each label the pkg-config modules that it links, or what to link where it has none.",
)

_PROTOBUF_TOOLS = """
sh_binary(
    name = "protoc",
    srcs = ["protoc.sh"],
    visibility = ["//visibility:public"],
)

proto_lang_toolchain(
    name = "cc_toolchain",
    command_line = "--cpp_out=$(OUT)",
    runtime = ":protobuf",
    visibility = ["//visibility:public"],
)
"""

def _protobuf_impl(ctx):
    protoc = ctx.which("protoc")
    if not protoc:
        _fail_missing(ctx, "protoc", "protobuf-compiler")
    text = ""
    for name, module in {"protobuf": "protobuf", "protobuf_lite": "protobuf-lite"}.items():
        linkopts = [word for word in _words(_pkg_config(ctx, ["--libs", module], "libprotobuf-dev")) if not word.startswith("-L")]
        text += _library(name, linkopts, visibility = "//visibility:public")
    ctx.file("WORKSPACE", "workspace(name = %r)\n" % ctx.name)
    ctx.file("protoc.sh", "#!/bin/sh\nexec %s \"$@\"\n" % protoc)
    ctx.file("BUILD", text + _PROTOBUF_TOOLS)

system_protobuf = repository_rule(
    implementation = _protobuf_impl,
    local = True,
    environ = ["PKG_CONFIG_PATH", "PATH"],
    doc = "@com_google_protobuf over the system's library and its compiler.",
)
