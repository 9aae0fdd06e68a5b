#!/usr/bin/env bash
# Builds the guest's libraries into native/build/sysroot/ for both profiles: newlib, the runtime,
# libgcc and libstdc++. Every stage is cached under the digest of all that it is made from
# (ZVM_CACHE_DIR, default ~/.cache/zvm), so a second run only compares digests.
# Usage: native/guest/build.sh [stage...]; needs zvm-cc and zvm-validate in native/build.
set -euo pipefail
cd "$(dirname "$0")"
guest=$PWD
tools=$(cd ../build && pwd)
sysroot=$tools/sysroot
cache=${ZVM_CACHE_DIR:-$HOME/.cache/zvm}/guest
work=${ZVM_GUEST_WORK:-$tools/guest-work}
stages=("$@")
[ ${#stages[@]} -gt 0 ] || stages=(newlib runtime libgcc libstdcxx)

../packages.sh guest
[ -x "$tools/zvm-cc" ] || { echo "guest: build zvm-cc first (native/build.sh)" >&2; exit 1; }
mkdir -p "$sysroot/.stamps" "$sysroot/include" "$cache" "$work"
[ -d "$sysroot/include/gcc" ] || cp -r "$(gcc-12 -print-file-name=include)" "$sysroot/include/gcc"

# What the objects of a stage depend on, beside the stage's own sources: the compiler and its parts.
common_digest=$(
  {
    cat rewriter/*.cc rewriter/*.h driver/compile.cc driver/float_mark.*
    dpkg-query -W -f='${Package} ${Version}\n' gcc-12 g++-12 llvm-16 newlib-source gcc-12-source
  } | sha256sum | cut -c1-64
)

sources_of() {
  case $1 in
    newlib) ls sysroot/newlib.sh sysroot/newlib-port.sh sysroot/printf.c ;;
    # The runtime's headers take the place of newlib's: it is laid over each newlib again.
    runtime)
      ls sysroot/runtime.sh runtime/* crt/* ../abi/*.h sysroot/newlib.sh sysroot/newlib-port.sh
      find include -type f
      ;;
    libgcc) ls sysroot/libgcc.sh sysroot/gcc-source.sh sysroot/libgcc/* ;;
    libstdcxx) ls sysroot/libstdcxx.sh sysroot/gcc-source.sh sysroot/newlib-port.sh ;;
    *) echo "guest: unknown stage '$1'" >&2; return 1 ;;
  esac
}

for stage in "${stages[@]}"; do
  digest=$({ echo "$common_digest"; sources_of "$stage" | sort | xargs cat; } | sha256sum)
  digest=${digest:0:32}
  for profile in zvm nacl; do
    stamp=$sysroot/.stamps/$stage-$profile
    [ "$(cat "$stamp" 2>/dev/null)" = "$digest" ] && continue
    archive=$cache/$stage-$profile-$digest.tar
    if [ ! -f "$archive" ]; then
      echo "== guest: $stage, profile $profile (a few minutes, once)"
      start=$SECONDS
      prefix=$work/prefix-$stage-$profile
      rm -rf "$prefix"
      mkdir -p "$prefix"
      "sysroot/$stage.sh" "$profile" "$prefix" "$work"
      tar -C "$prefix" -cf "$archive.$$" .
      mv "$archive.$$" "$archive"
      echo "   $stage, profile $profile: $((SECONDS - start)) s"
    fi
    tar -C "$sysroot" -xf "$archive"
    echo "$digest" >"$stamp"
  done
done
echo "guest: sysroot ready at $(realpath --relative-to="$guest/../.." "$sysroot")"
