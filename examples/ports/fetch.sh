#!/usr/bin/env bash
# fetch.sh PACKAGE FOLDER: unpacks the upstream sources of a Debian source package, or the npm
# package npm:NAME@VERSION, into FOLDER (made new). For Debian this machine's own apt configuration
# is used with source entries added, in a private state folder. Only the upstream archive counts: its
# SHA-256 is that of the signed index, whichever of the package's versions can be had. Archives are
# kept in the cache.
set -euo pipefail
package=$1 folder=$2
cache=${ZVM_CACHE_DIR:-$HOME/.cache/zvm}/sources
mkdir -p "$cache/$package" "$cache/apt/lists/partial" "$cache/apt/sources"

prepare_apt() {
  local list
  for list in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
    [ -f "$list" ] || continue
    sed -e 's/^Types: deb$/Types: deb-src/' -e 's/^deb /deb-src /' "$list" \
      >"$cache/apt/sources/$(basename "$list")"
  done
  options=(-q -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$cache/apt/sources"
    -o Dir::State::lists="$cache/apt/lists" -o APT::Sandbox::User=root)
  [ -n "$(ls "$cache"/apt/lists/*Sources* 2>/dev/null)" ] || apt-get "${options[@]}" update
}

# One line for each version in the index, the newest first: VERSION SHA256 NAME of its archive.
versions() {
  apt-cache "${options[@]}" showsrc --only-source "$package" | awk '
    /^Version:/ { version = $2 }
    /^[A-Z][A-Za-z0-9-]*:/ { sums = ($1 == "Checksums-Sha256:") }
    sums && $3 ~ /\.orig\.tar\.[a-z0-9]+$/ { print version, $1, $3 }' | sort -rV
}

cd "$cache/$package"
archive() {
  find . \( -name '*.orig.tar.*' -o -name '*.tgz' \) ! -name '*.asc' ! -name '*.orig-*' -print -quit
}
# A reader of ours would see half an archive while another fetches: one at a time.
exec 9>.lock
flock 9
if [ ! -f .verified ] && [[ $package = npm:* ]]; then
  npm pack --silent "${package#npm:}" # npm compares the digest with its index
  sha256sum ./*.tgz >.verified
elif [ ! -f .verified ]; then
  prepare_apt
  while read -r version sum name && [ ! -f .verified ]; do
    apt-get "${options[@]}" source --download-only --only-source "$package=$version" || true
    [ -f "$name" ] && echo "$sum  $name" | sha256sum --check --status && echo "$sum" >.verified
  done < <(versions)
  [ -f .verified ] || { echo "fetch: no version of $package can be had" >&2; exit 1; }
fi
rm -rf "$folder"
mkdir -p "$folder"
tar -C "$folder" --strip-components=1 -xf "$(archive)"
