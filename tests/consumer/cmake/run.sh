#!/bin/bash
# A CMake project that finds an installed Larder by find_package, with each of its components, shared and static.
#
# run.sh [PREFIX]: PREFIX is where Larder is installed; without one it is built and installed in a temporary folder.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
prefix="${1:-$work/prefix}"
[[ -n "${1:-}" ]] || "$here/../install.sh" "$prefix"

cmake -S "$here" -B "$work/build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Release
cmake --build "$work/build"
for program in "$work"/build/consumer*; do
  [[ -x "$program" && -f "$program" ]] || continue
  "$program"
done
