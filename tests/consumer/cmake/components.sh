#!/bin/bash
# A component that an installed Larder does not have is an error that names those that it has.
#
# components.sh PREFIX: where Larder is installed.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cat > "$work/CMakeLists.txt" << 'END'
cmake_minimum_required(VERSION 3.18)
project(consumer LANGUAGES C CXX)
find_package(Larder REQUIRED COMPONENTS nett)
END
if cmake -S "$work" -B "$work/build" -DCMAKE_PREFIX_PATH="$1" > "$work/log" 2>&1; then
  echo "COMPONENTS nett was found" >&2
  exit 1
fi
tr -s '\n ' ' ' < "$work/log" > "$work/line"
grep -q "no component 'nett' in this installation of Larder. It has: c, larder, net" "$work/line" || { cat "$work/log" >&2; exit 1; }
