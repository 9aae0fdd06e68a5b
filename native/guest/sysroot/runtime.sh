#!/usr/bin/env bash
# runtime.sh PROFILE PREFIX WORK: our part of the guest: crt0, setjmp, the runtime library, its
# headers.
set -euo pipefail
profile=$1 prefix=$2 work=$3
here=$(cd "$(dirname "$0")" && pwd)
guest=$(cd "$here/.." && pwd)
tools=$(cd "$guest/../build" && pwd)
export ZVM_PROFILE=$profile
lib=$prefix/lib/$profile
mkdir -p "$lib" "$prefix/include/abi" "$work/runtime-$profile"
cp "$guest"/../abi/*.h "$prefix/include/abi/"
cp -r "$guest/include/." "$prefix/include/"
cp "$guest/crt/nexe.ld" "$prefix/lib/"
"$tools/zvm-cc" -c "$guest/crt/crt0.S" -o "$lib/crt0.o"
objects=()
for source in "$guest"/crt/setjmp.S "$guest"/runtime/*.c; do
  object=$work/runtime-$profile/$(basename "${source%.*}").o
  optimise="-Os -fno-jump-tables" # small programs carry most of it
  [ "$(basename "$source")" = memory.c ] &&
    optimise="-O2 -fno-builtin -fno-tree-loop-distribute-patterns"
  [ "$(basename "$source")" = memory_wide.c ] && optimise="-O2 -mavx2"
  # shellcheck disable=SC2086
  "$tools/zvm-cc" -c $optimise -g -std=gnu11 -Wall -Wextra -Werror -fno-builtin-malloc \
    -ffunction-sections -fdata-sections -ffile-prefix-map="$guest=zvm" -I"$prefix/include" \
    "$source" -o "$object"
  objects+=("$object")
done
rm -f "$lib/libzvm.a"
"$tools/zvm-ar" rcs "$lib/libzvm.a" "${objects[@]}"
# None of these passes a floating-point argument to printf (driver/float_mark.h).
objcopy --strip-symbol=__zvm_float_printf "$lib/libzvm.a"
