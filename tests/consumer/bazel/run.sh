#!/bin/bash
# A Bazel workspace that depends on Larder by local_repository and has an abseil of its own, built from source: Larder
# must take that one, and build and link under that workspace's flags, without Larder's .bazelrc.
#
# run.sh [WORK_FOLDER]: what it makes goes into a temporary folder, or into WORK_FOLDER, which is kept.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
larder="$(cd "$here/../../.." && pwd)"
work="${1:-}"
if [[ -z "$work" ]]; then
  work="$(mktemp -d)"
  trap 'bazel --output_base="$work/output" shutdown > /dev/null 2>&1 || true; chmod -R u+w "$work"; rm -rf "$work"' EXIT
fi

mkdir -p "$work/workspace"
cp "$here"/../consumer.cc "$work/workspace"
cp "$here"/consumer.BUILD "$work/workspace/BUILD"
sed "s|@LARDER@|$larder|" "$here/consumer.WORKSPACE" > "$work/workspace/WORKSPACE"
[[ -d "$work/abseil" ]] || "$here/../abseil_source.sh" "$work"

cd "$work/workspace"
bazel=("$larder/bazelw" --output_base="$work/output" --nohome_rc)
# --force_pic: each file once, for the programs and for the shared object. The precompiled header is what a workspace may
# have too; that nothing needs it, --config=clang shows.
flags=(--cxxopt=-std=c++20 --host_cxxopt=-std=c++20 --force_pic --define=larder_pch=on --nosandbox_debug --noshow_progress)
"${bazel[@]}" build "${flags[@]}" //:consumer //:consumer_tls @larder//:liblarder.so
# The same again as a test would link it, with a shared object for each library that allows it.
"${bazel[@]}" build "${flags[@]}" --dynamic_mode=fully //:consumer_dynamic

for program in consumer consumer_tls consumer_dynamic; do
  "bazel-bin/$program"
  if ldd "bazel-bin/$program" | grep libabsl_; then
    echo "$program links the system's abseil" >&2
    exit 1
  fi
done
