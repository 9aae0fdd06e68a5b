#!/usr/bin/env bash
# libgcc.sh PROFILE PREFIX WORK: the compiler's helper functions and its unwinder, from
# gcc-12-source.
set -euo pipefail
profile=$1 prefix=$2 work=$3
here=$(cd "$(dirname "$0")" && pwd)
tools=$(cd "$here/../../build" && pwd)
export ZVM_PROFILE=$profile
"$here/gcc-source.sh" "$work"
gcc=$work/gcc
build=$work/libgcc-$profile
mkdir -p "$build" "$prefix/lib/$profile"
flags=(-O2 -w -ffunction-sections -fdata-sections -fbuilding-libgcc -fno-stack-protector
  -I"$here/libgcc" -I"$gcc/gcc" -I"$gcc/libgcc" -I"$gcc/include" -I"$gcc/libgcc/config/i386")
members=(
  _muldi3 _negdi2 _lshrdi3 _ashldi3 _ashrdi3 _cmpdi2 _ucmpdi2 _clear_cache _absvsi2 _absvdi2
  _addvsi3 _addvdi3 _subvsi3 _subvdi3 _mulvsi3 _mulvdi3 _negvsi2 _negvdi2 _ffssi2 _ffsdi2 _clz
  _clzsi2 _clzdi2 _ctzsi2 _ctzdi2 _popcount_tab _popcountsi2 _popcountdi2 _paritysi2 _paritydi2
  _powisf2 _powidf2 _mulsc3 _muldc3 _divsc3 _divdc3 _bswapsi2 _bswapdi2 _clrsbsi2 _clrsbdi2
  _fixunssfsi _fixunsdfsi _fixsfdi _fixdfdi _fixunssfdi _fixunsdfdi _floatdisf _floatdidf
  _floatundisf _floatundidf _divdi3 _moddi3 _divmoddi4 _udivdi3 _umoddi3 _udivmoddi4 _udiv_w_sdiv
)
objects=()
compile() { # OBJECT SOURCE FLAGS...
  objects+=("$build/$1.o")
  "$tools/zvm-cc" "${flags[@]}" "${@:3}" -c "$2" -o "$build/$1.o"
}
for member in "${members[@]}"; do
  compile "$member" "$gcc/libgcc/libgcc2.c" -DIN_LIBGCC2 "-DL$member"
done
# The unwinder walks frames of C functions that call back into C++, so everything here has tables.
cp "$gcc/libgcc/unwind-generic.h" "$build/unwind.h"
unwind=(-fexceptions -fasynchronous-unwind-tables -I"$build")
for source in unwind-dw2 unwind-c; do
  compile "$source" "$gcc/libgcc/$source.c" "${unwind[@]}"
done
compile frames "$here/libgcc/frames.c" "${unwind[@]}"
rm -f "$prefix/lib/$profile/libgcc.a"
"$tools/zvm-ar" rcs "$prefix/lib/$profile/libgcc.a" "${objects[@]}"
# The members are under conditions that a wrong tm.h leaves false: empty objects, no error.
[ -n "$("$tools/zvm-nm" "$prefix/lib/$profile/libgcc.a" | grep ' T __udivti3')" ] ||
  { echo "libgcc.sh: the helper functions are empty" >&2; exit 1; }
