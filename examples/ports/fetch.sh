#!/usr/bin/env bash
# fetch.sh PACKAGE FOLDER: unpacks the upstream sources of a Debian source package into FOLDER (made
# new). Uses this machine's own apt configuration with source entries added, in a private state
# folder; downloads are kept in the cache and checked by apt's signatures.
set -euo pipefail
package=$1 folder=$2
cache=${ZVM_CACHE_DIR:-$HOME/.cache/zvm}/sources
mkdir -p "$cache/$package" "$cache/apt/lists/partial" "$cache/apt/sources"
cd "$cache/$package"
if ! ls ./*.dsc >/dev/null 2>&1; then
  for list in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
    [ -f "$list" ] || continue
    sed -e 's/^Types: deb$/Types: deb-src/' -e 's/^deb /deb-src /' "$list" \
      >"$cache/apt/sources/$(basename "$list")"
  done
  options=(-q -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$cache/apt/sources"
    -o Dir::State::lists="$cache/apt/lists" -o APT::Sandbox::User=root)
  [ -n "$(ls "$cache"/apt/lists/*Sources* 2>/dev/null)" ] || apt-get "${options[@]}" update
  apt-get "${options[@]}" source --download-only "$package"
fi
rm -rf "$folder"
mkdir -p "$folder"
tar -C "$folder" --strip-components=1 -xf "$(ls ./*.orig.tar.* | grep -v '\.asc$' | head -1)"
