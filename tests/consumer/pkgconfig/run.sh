#!/bin/bash
# Plain `g++ $(pkg-config ...)` against an installed Larder, and `cc` for its C interface.
#
# run.sh [PREFIX]: PREFIX is where Larder is installed; without one it is built and installed in a temporary folder.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
prefix="${1:-$work/prefix}"
[[ -n "${1:-}" ]] || "$here/../install.sh" "$prefix"

library_folder="$(dirname "$(find "$prefix" -name liblarder.so | head -1)")"
export PKG_CONFIG_PATH="$library_folder/pkgconfig" LD_LIBRARY_PATH="$library_folder"

build() {  # build PROGRAM MODULE COMPILER SOURCE FLAGS...
  local program="$work/$1" module="$2"
  shift 2
  local flags
  read -ra flags <<< "$(pkg-config --cflags --libs "$module")"
  "$@" -o "$program" "${flags[@]}"
  "$program"
}

build core larder g++ -std=c++20 -DWITHOUT_LISTENER "$here/../consumer.cc"
build net larder-net g++ -std=c++20 "$here/../consumer.cc"
build proto larder-proto g++ -std=c++20 "$here/../consumer_proto.cc"
# Optional: where Larder was built without OpenSSL there is no such module.
if pkg-config --exists larder-tls; then
  build tls larder-tls g++ -std=c++20 -DWITH_TLS "$here/../consumer.cc"
fi
build c larder-c gcc "$here/../consumer_c.c"

# OpenSSL comes with the component tls alone.
for library in liblarder.so liblarder_net.so liblarder_c.so; do
  if ldd "$library_folder/$library" | grep -E 'lib(ssl|crypto)\.'; then
    echo "$library links OpenSSL" >&2
    exit 1
  fi
done
