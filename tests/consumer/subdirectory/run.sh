#!/bin/bash
# A CMake project with Larder as a part of it: by add_subdirectory, built and run; by FetchContent, configured.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
generator=()
command -v ninja > /dev/null && generator=(-G Ninja)

cmake "${generator[@]}" -S "$here" -B "$work/fetched" -DFETCH=ON

# Without optimisation, and without -g, which is a third of the time: only that it links and runs is wanted.
cmake "${generator[@]}" -S "$here" -B "$work/build" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0 \
  -DCMAKE_PROJECT_Larder_INCLUDE="$here/../precompiled.cmake"
cmake --build "$work/build" --parallel "$(nproc)"
for program in "$work"/build/consumer*; do
  [[ -x "$program" && -f "$program" ]] || continue
  "$program"
done

cmake --install "$work/build" --prefix "$work/prefix"
if find "$work/prefix" -iname '*larder*' | grep .; then
  echo "Larder was installed together with its host" >&2
  exit 1
fi
