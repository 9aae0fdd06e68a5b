#!/usr/bin/env bash
# The text and file tools of toybox from its Debian source package. Its own configuration makes the
# lists of commands; headers and functions that only Linux has are in include/ and linux.c.
port=toybox
. "$(dirname "$0")/../common.sh"
sources toybox
restored && exit 0
cd "$work/source"
commands="base64 basename cat cksum cmp comm cut diff dirname du echo expand expr factor false file
  find fmt fold grep egrep fgrep head hexdump ln ls cp mv chmod md5sum sha1sum mkdir nl od paste
  patch printf pwd readlink rev rm rmdir sed seq sha256sum sort split strings tac tail tee test
  touch tr true truncate uniq unlink uudecode uuencode wc xxd yes"
for name in toybox toybox_float $commands; do echo "CONFIG_${name^^}=y"; done >selection
make allnoconfig KCONFIG_ALLCONFIG=selection HOSTCC=cc
# Its make builds for this machine too; what matters are the files under generated/.
make toybox HOSTCC=cc CC=cc OPTIMIZE="-O0 -w"
# `stdin` is a macro in newlib, and here the name of a parameter; newlib has a function itoa.
sed -i 's/\bitoa(/seq_itoa(/' toys/lsb/seq.c
sed -i 's/char \*stdin)/char *input)/' lib/lib.h
sed -i 's/^#if defined(__linux__)$/#if 1/' lib/portability.c # the layout of device numbers
flags=(-O2 -w -funsigned-char -D_GNU_SOURCE -ffunction-sections -fdata-sections -I.
  "-I$ports/toybox/include"
  -include linux.h)
mapfile -t toys < <(tail -n 1 generated/build.sh | grep -oE 'toys/[a-z0-9/_-]+\.c')
"$tools/zvm-cc" "${flags[@]}" -Wl,--gc-sections main.c lib/*.c "${toys[@]}" \
  "$ports/toybox/linux.c" -lm -o "$nexe"
keep "$(basename "$nexe")"
