#!/usr/bin/env bash
# zlib from Debian's source package: its own configure and make with zvm-cc, then its test program
# and a round trip of minigzip inside the sandbox.
port=zlib
. "$(dirname "$0")/../common.sh"
[ -d "$work/source" ] || "$ports/fetch.sh" zlib "$work/source"
cd "$work/source"
[ -f zconf.h.configured ] || {
  CC="$tools/zvm-cc --profile $profile" AR=$tools/zvm-ar RANLIB=$tools/zvm-ranlib CHOST=x86_64-elf \
    ./configure --static >configure.log 2>&1
  touch zconf.h.configured
}
make -s clean >/dev/null 2>&1
make -s CC="$tools/zvm-cc --profile $profile" libz.a example minigzip >make.log 2>&1
run "$work/source/example" /dev/null "$work/stdout"
grep -q 'inflate with dictionary: hello, hello!' "$work/stdout"
run "$work/source/minigzip" "$work/source/deflate.c" "$work/deflate.gz"
gzip -dc "$work/deflate.gz" | cmp - deflate.c
run "$work/source/minigzip" "$work/deflate.gz" "$work/deflate.back" -d
cmp "$work/deflate.back" deflate.c
echo "zlib: its example passed and minigzip made the round trip in the sandbox, profile $profile"
