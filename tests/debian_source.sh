#!/bin/bash
# debian_source.sh PACKAGE FOLDER: downloads the source package PACKAGE into FOLDER, as it is: not unpacked.
#
# The distribution's source package is what every machine that can build Larder can have too. Most machines have no
# deb-src lines, so they are derived from the machine's own apt sources, in a temporary folder; the machine's are left
# alone, and nothing here needs root.
set -euo pipefail
package="$1"
folder="$2"

apt="$(mktemp -d)"
trap 'rm -rf "$apt"' EXIT
mkdir -p "$apt/parts" "$apt/lists/partial" "$apt/cache/archives/partial"
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
  [[ -f "$list" ]] || continue
  sed -n 's/^[[:space:]]*deb[[:space:]]/deb-src /p' "$list" > "$apt/parts/$(basename "$list" .list).list"
done
for list in /etc/apt/sources.list.d/*.sources; do
  [[ -f "$list" ]] || continue
  sed 's/^Types:.*/Types: deb-src/' "$list" > "$apt/parts/$(basename "$list")"
done

options=(-o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$apt/parts" -o Dir::State::lists="$apt/lists"
         -o Dir::Cache="$apt/cache" -o APT::Get::List-Cleanup=0)
((EUID != 0)) || options+=(-o APT::Sandbox::User=root)

# Somebody's own source without a deb-src half may fail here; what counts is whether the package comes.
apt-get -qq "${options[@]}" update || true
mkdir -p "$folder"
cd "$folder"
apt-get -qq "${options[@]}" source --download-only "$package"
