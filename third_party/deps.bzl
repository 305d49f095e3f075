"""What Larder depends on, under the names that upstream gives to its repositories.

A workspace that has some of them already defines those first: each one here is left alone if it exists.
"""

load("@bazel_tools//tools/build_defs/repo:utils.bzl", "maybe")
load("//third_party:shims.bzl", "shim_repository", "system_rules_repository")
load("//third_party:system_packages.bzl", "system_absl", "system_library", "system_protobuf")

def larder_dependencies():
    """Defines every repository that Larder's labels name, unless it exists already."""
    maybe(system_absl, "com_google_absl")
    maybe(system_protobuf, "com_google_protobuf")
    maybe(
        system_library,
        "com_google_googletest",
        debian_package = "libgmock-dev",
        # As upstream's: gmock comes with gtest.
        targets = {
            "gtest": "gmock gtest",
            "gtest_main": "gmock_main gmock gtest",
        },
    )
    maybe(
        system_library,
        "com_github_google_benchmark",
        debian_package = "libbenchmark-dev",
        # Without benchmark_main: Debian 12 has no pkg-config file for it, and BENCHMARK_MAIN() is one line.
        targets = {"benchmark": "benchmark"},
    )
    maybe(system_library, "openssl", debian_package = "libssl-dev", targets = {"ssl": "libssl", "crypto": "libcrypto"})
    maybe(system_library, "liburing", debian_package = "liburing-dev", targets = {"liburing": "liburing"})
    maybe(system_library, "libuv", debian_package = "libuv1-dev", targets = {"libuv": "libuv"})
    maybe(system_library, "libevent", debian_package = "libevent-dev", targets = {"core": "libevent_core"})
    # Debian's libev has no pkg-config file.
    maybe(system_library, "libev", debian_package = "libev-dev", linkopts = {"libev": "-lev"})

    # Bazel 4.2.3 as Debian packs it brings none of these, and would go to the network for them. (Label: a string alone
    # would name a file of the workspace that calls this.)
    maybe(shim_repository, "rules_cc", build_files = {
        str(Label("//third_party/rules_cc:root.BUILD")): "BUILD",
        str(Label("//third_party/rules_cc/cc:defs.bzl")): "cc/defs.bzl",
        str(Label("//third_party/rules_cc/cc:package.BUILD")): "cc/BUILD",
    })
    maybe(shim_repository, "remote_coverage_tools", build_files = {
        str(Label("//third_party/coverage_tools:root.BUILD")): "BUILD",
    })
    maybe(system_rules_repository, "platforms", path = "/usr/share/bazel/tools/platforms", debian_package = "bazel-platforms")
    maybe(system_rules_repository, "bazel_skylib", path = "/usr/share/bazel/tools/skylib", debian_package = "bazel-skylib")
    maybe(system_rules_repository, "rules_java", path = "/usr/share/bazel/rules/java", debian_package = "bazel-rules-java")
    maybe(system_rules_repository, "rules_proto", path = "/usr/share/bazel/rules/proto", debian_package = "bazel-rules-proto")
