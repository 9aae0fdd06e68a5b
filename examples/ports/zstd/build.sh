#!/usr/bin/env bash
# The zstd command and zstd's two test programs from Debian's source package libzstd, without
# threads.
port=zstd
. "$(dirname "$0")/../common.sh"
sources libzstd
restored && exit 0
cd "$work/source"
flags=(-O2 -w -DXXH_NAMESPACE=ZSTD_ -DZSTD_DISABLE_ASM -DDYNAMIC_BMI2=0 -DZSTD_LEGACY_SUPPORT=0
  -DZSTD_NOBENCH -include stdio.h -Ilib -Ilib/common -Ilib/compress -Ilib/dictBuilder -Iprograms
  -Itests)
rm -rf "$work/objects"
mkdir "$work/objects"
cd "$work/objects"
flags=("${flags[@]/#-I/-I$work/source/}")
"$tools/zvm-cc" "${flags[@]}" -c ../source/lib/{common,compress,decompress,dictBuilder}/*.c
"$tools/zvm-ar" rcs libzstd.a ./*.o
cd ../source
"$tools/zvm-cc" "${flags[@]}" programs/{zstdcli,zstdcli_trace,fileio,fileio_asyncio,util}.c \
  programs/{timefn,datagen,dibio}.c ../objects/libzstd.a -o "$nexe"
"$tools/zvm-cc" "${flags[@]}" tests/fuzzer.c programs/{util,timefn,datagen}.c \
  ../objects/libzstd.a -lm -o "$work/fuzzer-$profile.nexe"
"$tools/zvm-cc" "${flags[@]}" tests/{zstreamtest,seqgen,external_matchfinder}.c \
  programs/{util,timefn,datagen}.c ../objects/libzstd.a -lm -o "$work/zstreamtest-$profile.nexe"
keep {zstd,fuzzer,zstreamtest}-"$profile.nexe"
