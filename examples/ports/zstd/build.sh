#!/usr/bin/env bash
# The zstd command from Debian's source package libzstd, without threads: round trips at several
# levels inside the sandbox, checked against the host's sources.
port=zstd
. "$(dirname "$0")/../common.sh"
[ -d "$work/source" ] || "$ports/fetch.sh" libzstd "$work/source"
cd "$work/source"
nexe=$work/zstd-$profile.nexe
flags=(-O2 -w -DXXH_NAMESPACE=ZSTD_ -DZSTD_DISABLE_ASM -DDYNAMIC_BMI2=0 -DZSTD_LEGACY_SUPPORT=0
  -DZSTD_NOBENCH -include stdio.h -Ilib -Ilib/common)
sources=(lib/{common,compress,decompress,dictBuilder}/*.c
  programs/{zstdcli,zstdcli_trace,fileio,fileio_asyncio,util,timefn,datagen,dibio}.c)
"$tools/zvm-cc" "${flags[@]}" "${sources[@]}" -o "$nexe"
cat lib/*/*.c >"$work/input"
for level in 1 3 9 19; do
  run "$nexe" "$work/input" "$work/input.zst" "-$level" -c
  run "$nexe" "$work/input.zst" "$work/output" -d -c
  cmp "$work/input" "$work/output"
  echo "zstd -$level: $(stat -c %s "$work/input") -> $(stat -c %s "$work/input.zst") bytes and back"
done
echo "zstd: round trips in the sandbox, profile $profile"
