#!/usr/bin/env bash
# Lua 5.4 over test.lua, from a snapshot too; Lua 5.1 over the official test scripts, which Debian's source package of
# gopher-lua carries.
port=lua
. "$(dirname "$0")/../common.sh"
sources golang-github-yuin-gopher-lua tests
cd "$ports/lua"
sandboxed "$nexe" lua test.lua >"$work/output" || true
while read -r line; do
  grep -qxF "$line" "$work/output" && note 0 "5.4 ${line#ok }" || note 1 "5.4 ${line#ok }"
done <expected.txt
sandboxed "$work/lua-start-$profile.nexe" lua test.lua >"$work/output" || true
cmp -s expected.txt "$work/output" && note 0 "start.c" || note 1 "start.c"

# A hundred sessions from a snapshot say what one says that starts the interpreter.
mkdir -p "$work/image/lua"
echo 'greeting = "hello from the image"' >"$work/image/lua/start.lua"
tar -C "$work/image" -cf "$work/image.tar" lua
cat >"$work/script.lua" <<'EOF'
local keys = {}
for key in pairs({ one = 1, two = 2, three = 3, four = 4, five = 5 }) do keys[#keys + 1] = key end
print(greeting, table.concat(keys, " "), math.random(1 << 40), os.time(), os.getenv("NAME"), ...)
for line in io.lines() do print(#line, line) end
EOF
mounts='[fstab]\nchannel=/dev/image, mountpoint=/, access=ro\n'
printf '%b' "$mounts" >"$work/nvram.make"
printf '%b' "$mounts" '[args]\nargs=lua /dev/script x y\n[env]\nname=NAME, value=value\n' \
  '[time]\nseconds=77\n' >"$work/nvram.run"
start_session() { # NVRAM OPTION...
  cat >"$work/manifest" <<MANIFEST
Version = 20130611
Program = $work/lua-start-$profile.nexe
Memory = 67108864, 0
Timeout = 60
Channel = $work/script.lua, /dev/script, 1, 0, 1000, 100000, 0, 0
Channel = $work/image/lua/start.lua, /dev/stdin, 0, 0, 1000, 100000, 0, 0
Channel = $work/out, /dev/stdout, 0, 0, 0, 0, 1000, 100000
Channel = $work/err, /dev/stderr, 0, 0, 0, 0, 1000, 100000
Channel = $work/$1, /dev/nvram, 1, 0, 1000, 100000, 0, 0
Channel = $work/image.tar, /dev/image, 1, 0, 1000, 100000, 0, 0
MANIFEST
  "$tools/zvm-run" "${@:2}" "$work/manifest" >"$work/report" || true
}
start_session nvram.run
cp "$work/out" "$work/wanted"
status=0
grep -q 'hello from the image' "$work/wanted" || status=1
rm -f "$work/snapshot"
start_session nvram.make --make-snapshot "$work/snapshot"
for _ in {1..100}; do
  start_session nvram.run --snapshot "$work/snapshot"
  cmp -s "$work/wanted" "$work/out" || status=1
done
note $status "100 sessions from a snapshot"
cd "$work/tests/_lua5.1-tests"
export SANDBOX_ENV="LUA_PATH" LUA_PATH="./?.lua;;"
for script in *.lua; do
  [ "$script" = all.lua ] && continue
  status=0
  run=("$script")
  # As all.lua does: this one yields.
  [ "$script" = big.lua ] && run=(-e 'local f = coroutine.wrap(assert(loadfile("big.lua")))
    assert(f() == "b" and f() == "a")')
  sandboxed "$work/lua51-$profile.nexe" lua "${run[@]}" >"$work/$script.out" 2>&1 || status=$?
  note $status "5.1 $script"
done
judge
