#!/usr/bin/env bash
# The mechanical part of the house style, so that nobody argues about it: lengths, words, and who may
# include whom. Prints every violation; exits 1 when there is one.
set -uo pipefail
cd "$(dirname "$0")/.."
failures=0
report() { echo "tidy: $1"; failures=$((failures + 1)); }

mapfile -t sources < <(git ls-files '*.cc' '*.h' '*.c' '*.S' '*.ts' ':!*.d.ts')

# Characters, not bytes. Assembly has its own shape.
mapfile -t wrapped < <(printf '%s\n' "${sources[@]}" | grep -vE '\.S$|^test/guest/')
while IFS= read -r line; do report "longer than 100 columns: $line"; done < <(
  LC_ALL=C.UTF-8 awk 'length($0) > 100 { print FILENAME ":" FNR }' "${wrapped[@]}")

for file in "${sources[@]}"; do
  case $file in *.S | */golden/*) continue ;; esac
  lines=$(wc -l <"$file")
  [ "$lines" -gt 500 ] && report "over 500 lines: $file ($lines)"
done

while IFS= read -r line; do report "unfinished: $line"; done < <(
  grep -nE '\b(TODO|FIXME|XXX|HACK)\b' "${sources[@]}" | grep -v '^test/tidy.sh')

# SAFETY: one road to executable memory.
while IFS= read -r line; do report "PROT_EXEC outside exec_memory: $line"; done < <(
  grep -n 'PROT_EXEC' $(git ls-files 'native/*.cc' 'native/*.h') |
    grep -vE '^native/(sandbox/exec_memory\.|lockdown/policy\.cc|guest/)' |
    grep -vE ':[[:space:]]*//|ZVM_CHECK')

# Arrows never reverse: a module includes only what stands here.
declare -A may=(
  [abi]="abi" [base]="abi base" [validator]="abi base validator" [loader]="abi base loader"
  [channel]="abi base channel" [manifest]="abi base channel manifest"
  [report]="abi base channel report validator" [lockdown]="abi base lockdown"
  [sandbox]="abi base channel loader sandbox validator"
  [session]="abi base channel loader lockdown manifest report sandbox session validator"
  [wire]="base wire"
  [worker]="base channel lockdown report sandbox session validator wire worker"
  [pump]="base pump"
  [addon]="base pump validator wire addon"
)
for module in "${!may[@]}"; do
  for file in $(git ls-files "native/$module/*.cc" "native/$module/*.h" "native/$module/*.S"); do
    for included in $(sed -n 's|^#include "\([a-z_]*\)/.*|\1|p' "$file" | sort -u); do
      [[ " ${may[$module]} " == *" $included "* ]] || report "$file may not include $included/"
    done
  done
done

[ "$failures" -eq 0 ] && echo "tidy: ${#sources[@]} files, nothing to say"
exit $((failures > 0))
