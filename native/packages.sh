#!/usr/bin/env bash
# packages.sh [guest|debug|examples|ports|bench|demo|image]: makes sure that the Debian packages of the
# native build (or of the part that is named) are there. Silent when nothing is missing.
set -euo pipefail
packages=(clang-16 lld-16 llvm-16 llvm-16-dev libclang-rt-16-dev binutils cmake ninja-build ccache
  doctest-dev libuv1-dev nettle-dev)
# `packages.sh guest`: what the guest's compiler and libraries are made from.
[ "${1:-}" = guest ] && packages=(gcc g++ gcc-12 g++-12 llvm-16 binutils make xz-utils gcc-12-source
  newlib-source)
# `packages.sh torture`: GCC's, newlib's and gnulib's tests.
[ "${1:-}" = torture ] && packages=(gcc-12 libc6-dev xz-utils gcc-12-source newlib-source gnulib)
# `packages.sh debug`: what shows the places of a guest's faults, and attaches to it.
[ "${1:-}" = debug ] && packages=(gdb llvm-16)
# `packages.sh demo`: a text of a few megabytes, and what posts it.
[ "${1:-}" = demo ] && packages=(bible-kjv curl ca-certificates)
# `packages.sh image`: what builds the Dockerfile without a container engine.
[ "${1:-}" = image ] && packages=(buildah debootstrap runc curl ca-certificates util-linux)
# `packages.sh examples`: headers that the examples include.
[ "${1:-}" = examples ] && packages=(libstb-dev)
# `packages.sh ports`: what the ports' own makefiles run, and what their tests compare with.
[ "${1:-}" = ports ] && packages=(gcc libc6-dev make tcl bzip2 gzip xz-utils gawk perl diffutils)
# `packages.sh browser`: what one test looks at the page of a job with.
[ "${1:-}" = browser ] && packages=(chromium fonts-dejavu-core)
# `packages.sh bench`: the kernels' sources and WebAssembly, with which they are compared.
[ "${1:-}" = bench ] && packages=(gcc-12 g++-12 libc6-dev make tcl clang-16 lld-16 wasi-libc
  libclang-rt-16-dev-wasm32 lua5.4)
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
    missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -ne 0 ]; then
  echo "zvm needs Debian packages: sudo apt-get install ${missing[*]}" >&2
  exit 1
fi
echo "zvm: installing Debian packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get -o DPkg::Lock::Timeout=300 update -q
apt-get -o DPkg::Lock::Timeout=300 install -q -y --no-install-recommends "${missing[@]}"
