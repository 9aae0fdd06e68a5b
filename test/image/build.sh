#!/usr/bin/env bash
# test/image/build.sh [ROOTFS]: builds the Dockerfile with buildah where there is no container engine and
# no registry, and checks the image. The base is made here: Debian 12 by debootstrap (or the given root
# file system), Node and npm from this machine's packages. Needs root; some minutes. `npm run test:image`.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ "$(id -u)" -eq 0 ] || { echo "image: needs root" >&2; exit 1; }
native/packages.sh image
work=$(mktemp -d)
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot BUILDAH_FORMAT=docker
storage=(--root "$work/storage" --runroot "$work/run")
trap 'rm -rf "$work"' EXIT

rootfs=${1:-$work/rootfs}
if [ $# -eq 0 ]; then
  echo "== a Debian 12 base by debootstrap"
  debootstrap --variant=minbase --include=ca-certificates bookworm "$rootfs" >"$work/log" 2>&1 ||
    { tail -n 20 "$work/log" >&2; exit 1; }
fi
echo "== what node:24-bookworm-slim has: Node 24 and npm"
npm pack --silent --pack-destination "$work" npm@11 >/dev/null
mkdir -p "$work/npm"
tar -xzf "$work"/npm-*.tgz -C "$work/npm" --strip-components=1
base=$(buildah "${storage[@]}" from scratch)
buildah "${storage[@]}" copy -q "$base" "$rootfs" / >/dev/null
buildah "${storage[@]}" copy -q "$base" node_modules/node/bin/node /usr/local/bin/node >/dev/null
buildah "${storage[@]}" copy -q "$base" "$work/npm" /usr/local/lib/node_modules/npm >/dev/null
# How this machine reaches its package sources.
for file in /etc/apt/apt.conf.d/99*; do
  [ ! -f "$file" ] || buildah "${storage[@]}" copy -q "$base" "$file" "$file" >/dev/null
done
# And whom it trusts on the way.
trust=${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt}
buildah "${storage[@]}" copy -q "$base" "$trust" /etc/ssl/machine.crt >/dev/null
buildah "${storage[@]}" config --env NODE_EXTRA_CA_CERTS=/etc/ssl/machine.crt "$base"
buildah "${storage[@]}" run "$base" -- ln -sf ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
buildah "${storage[@]}" commit -q "$base" localhost/node-base >/dev/null
buildah "${storage[@]}" rm "$base" >/dev/null

echo "== the Dockerfile"
buildah "${storage[@]}" build --pull-never --build-arg NODE_IMAGE=localhost/node-base -t zvm .

echo "== the image"
test/image/check.sh "${storage[@]}"
