#!/usr/bin/env bash
# newlib.sh PROFILE PREFIX WORK: builds libc and libm of Debian's newlib-source for one profile with
# zvm-cc. Headers go to PREFIX/include, libraries to PREFIX/lib/PROFILE. WORK is scratch space.
set -euo pipefail
profile=$1 prefix=$2 work=$3
here=$(cd "$(dirname "$0")" && pwd)
tools=$(cd "$here/../../build" && pwd)
jobs=${ZVM_JOBS:-$(nproc)}
export ZVM_PROFILE=$profile
# The parts of a program that configure may want to link do not exist yet.
export ZVM_CC_SKIP_VALIDATION=1

# Always from nothing: what is made here is cached under the digest of what it is made from.
rm -rf "$work/newlib-$profile"
mkdir -p "$work/newlib-$profile/source" "$work/newlib-$profile/build"
cd "$work/newlib-$profile"
tar -C source --strip-components=1 -xf /usr/src/newlib/newlib-3.3.0.tar.xz \
  --exclude='*/libgloss/*' --exclude='*/newlib/testsuite/*'
"$here/newlib-port.sh" source/newlib
mkdir -p source/libgloss
cd build
flags="-O2 -ffunction-sections -fdata-sections -w"
flags+=" -DHAVE_FCNTL -DHAVE_RENAME -DHAVE_BLKSIZE -DHAVE_NANOSLEEP -DMALLOC_ALIGNMENT=16"
../source/configure --target=x86_64-elf --prefix=/ --disable-libgloss --disable-multilib \
  --disable-nls --disable-newlib-supplied-syscalls --enable-newlib-io-long-long \
  --enable-newlib-io-c99-formats --enable-newlib-io-pos-args \
  --enable-newlib-mb --disable-dependency-tracking --enable-newlib-reent-check-verify=no \
  CC_FOR_TARGET="$tools/zvm-cc" CXX_FOR_TARGET="$tools/zvm-c++" AR_FOR_TARGET="$tools/zvm-ar" \
  RANLIB_FOR_TARGET="$tools/zvm-ranlib" AS_FOR_TARGET="$tools/zvm-cc" LD_FOR_TARGET=ld \
  NM_FOR_TARGET=nm STRIP_FOR_TARGET=strip CFLAGS_FOR_TARGET="$flags" MAKEINFO=true \
  >configure.log 2>&1
make -j"$jobs" all-target-newlib MAKEINFO=true >make.log 2>&1 ||
  { tail -30 make.log >&2; exit 1; }
# printf and its kin again for size: every small program carries them.
make -C x86_64-elf/newlib/libc/stdio clean >>make.log 2>&1
make -j"$jobs" all-target-newlib MAKEINFO=true CFLAGS_FOR_TARGET="${flags/-O2/-Os}" >>make.log 2>&1
make install-target-newlib DESTDIR="$PWD/install" MAKEINFO=true >install.log 2>&1

# Regular expressions, pattern matching and names of paths, which newlib builds for its POSIX
# systems only.
posix=../source/newlib/libc/posix
cp ../source/newlib/libc/unix/{basename,dirname}.c "$posix/"
for name in regcomp regexec regerror regfree collate collcmp fnmatch glob basename dirname; do
  # Folders are the runtime's: newlib has none on this system.
  "$tools/zvm-cc" $flags -D_GNU_SOURCE -I"$posix" -isystem "$here/../include" \
    -isystem install/x86_64-elf/include -c "$posix/$name.c" -o "$name.o"
  "$tools/zvm-ar" rs install/x86_64-elf/lib/libc.a "$name.o" 2>/dev/null
done

# The full printf in one member, under names of its own (printf.c says why).
libc=$PWD/install/x86_64-elf/lib/libc.a
full=(vfprintf svfprintf vfwprintf svfwprintf)
objects=("${full[@]/#/lib_a-}")
objects=("${objects[@]/%/.o}")
objcopy --strip-symbol=__zvm_float_printf "$libc"
# The runtime has the hook that gives unknown errors a text.
"$tools/zvm-ar" d "$libc" lib_a-u_strerr.o
objcopy --strip-symbol=__zvm_float_printf install/x86_64-elf/lib/libm.a
mkdir -p printf
(
  cd printf
  "$tools/zvm-ar" x "$libc" "${objects[@]}"
  "$tools/zvm-ar" d "$libc" "${objects[@]}"
  printf '%s\n' '.section .rodata.mark,"a"' '.globl __zvm_float_printf' \
    '__zvm_float_printf: .byte 0' '.section .note.GNU-stack,"",@progbits' |
    "$tools/zvm-cc" -c -x assembler - -o mark.o
  ld -r -m elf_x86_64 -o printf_full.o "${objects[@]}" mark.o
  for name in "${full[@]}"; do
    objcopy --redefine-sym "_${name}_r=__zvm_full_${name}_r" \
      --redefine-sym "$name=__zvm_unused_$name" printf_full.o
  done
  "$tools/zvm-cc" ${flags/-O2/-Os} -isystem ../install/x86_64-elf/include -c "$here/printf.c" \
    -o printf.o
  objcopy --strip-symbol=__zvm_float_printf printf.o # it names functions of wide characters
  "$tools/zvm-ar" rs "$libc" printf.o printf_full.o 2>/dev/null
)
mkdir -p "$prefix/include" "$prefix/lib/$profile"
cp -r install/x86_64-elf/include/. "$prefix/include/"
# The runtime has its own of these.
rm "$prefix/include/sys/dirent.h" "$prefix/include/sys/fenv.h"
"$tools/zvm-ar" t install/x86_64-elf/lib/libm.a |
  grep -E -- '-(fe_?[a-z_]*(round|except|exceptflag|env)|sf?_fma|fmal)\.o$' |
  xargs "$tools/zvm-ar" d install/x86_64-elf/lib/libm.a
cp install/x86_64-elf/lib/libc.a install/x86_64-elf/lib/libm.a "$prefix/lib/$profile/"
