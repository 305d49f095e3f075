#!/bin/bash
# abseil_source.sh FOLDER: puts the system's abseil, as source, into FOLDER/abseil.
set -euo pipefail
folder="$1"

package="$(mktemp -d)"
trap 'rm -rf "$package"' EXIT
"$(dirname "${BASH_SOURCE[0]}")/../debian_source.sh" abseil "$package"
dpkg-source --no-check --extract "$package"/abseil_*.dsc "$folder/abseil" > /dev/null
