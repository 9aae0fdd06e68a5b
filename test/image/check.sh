#!/usr/bin/env bash
# check.sh STORAGE OPTION...: the image `zvm` in buildah's storage: who it runs as, that it has its
# health check, that its service answers a job without any capability, and that it stops by SIGTERM.
set -euo pipefail
cd "$(dirname "$0")/../.."
storage=("$@")
PATH=$PATH:/usr/sbin:/sbin
field() { buildah "${storage[@]}" inspect --type image --format "$1" zvm; }
expect() { [ "$2" = "$3" ] || { echo "image: $1 is '$2', expected '$3'" >&2; exit 1; }; }
expect user "$(field '{{.Docker.Config.User}}')" 10001:10001
expect 'stop signal' "$(field '{{.Docker.Config.StopSignal}}')" SIGTERM
[ "$(field '{{.Docker.Config.Healthcheck}}')" != '<nil>' ] || { echo 'image: no HEALTHCHECK' >&2; exit 1; }

container=$(buildah "${storage[@]}" from --pull-never zvm)
root=$(buildah "${storage[@]}" mount "$container")
port=$((20000 + RANDOM % 10000))
log=$(mktemp)
# The image's own file system, user and entry point; network as the host's.
unshare --mount --fork --kill-child bash -c '
  root=$1 port=$2
  mount -t proc proc "$root/proc"
  mount -t tmpfs tmpfs "$root/tmp"
  mount --rbind /dev "$root/dev"
  exec chroot --userspec=10001:10001 "$root" \
    env -i PATH=/usr/local/bin:/usr/bin:/bin NODE_ENV=production ZVM_DATA_DIR=/var/lib/zvm \
      ZVM_PORT="$port" sh -c "cd /zvm && exec node service/main.ts"
' bash "$root" "$port" >"$log" 2>&1 &
service=$!
finish() {
  kill -KILL "$service" 2>/dev/null || true
  buildah "${storage[@]}" rm "$container" >/dev/null 2>&1 || true
  rm -f "$log"
}
trap finish EXIT
for _ in $(seq 100); do
  curl -fs -o /dev/null "http://127.0.0.1:$port/readyz" && break
  kill -0 "$service" 2>/dev/null || { cat "$log" >&2; exit 1; }
  sleep 0.1
done
answer=$(curl -sS -F 'manifest={"program":"part:program"};type=application/json' \
  -F program=@native/build/guest/asm/hello.nexe "http://127.0.0.1:$port/v1/jobs")
case $answer in
  *'hello world'*'"outcome":"exited"'*) ;;
  *) echo "image: $answer" >&2; exit 1 ;;
esac
kill -TERM "$(pgrep -P "$service")"
wait "$service" || { echo "image: the service ended with status $?" >&2; exit 1; }
size=$(buildah "${storage[@]}" images --format '{{.Size}}' zvm)
echo "image: user 10001, health check, a job over HTTP; $size"
