#!/bin/bash
# install.sh PREFIX: builds Larder with CMake and installs it under PREFIX.
set -euo pipefail
larder="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
build="$(mktemp -d)"
trap 'rm -rf "$build"' EXIT
generator=()
command -v ninja > /dev/null && generator=(-G Ninja)
cmake "${generator[@]}" -S "$larder" -B "$build" -DCMAKE_INSTALL_PREFIX="$1" -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_PROJECT_Larder_INCLUDE="$larder/tests/consumer/precompiled.cmake"
cmake --build "$build" --parallel "$(nproc)"
cmake --install "$build" > /dev/null
