#!/usr/bin/env bash
# Memory of the service: alone, with every device of the country on line over TLS, and with readers beside them.
# VIEWERS says how many read: with the devices as many as a process may have sockets. SANAK_BIN names the binary.
# Ends with an error where a device or a reader takes more than it may (25 kB, 15 kB).
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/scripts/rehearsed.sh

binary=$(realpath "${SANAK_BIN:-target/release/sanak}")
devices=10072
room=$(($(ulimit -n) - devices - 600))
viewers=${VIEWERS:-$((room < 10000 ? room : 10000))}
out=$PWD/build/bench/idle
work=$(mktemp -d)
fleet= readers=
ended() {
    # A function runs in a shell of its own: what it started is ended with it.
    for pid in $fleet $readers; do
        kill $(pgrep -P "$pid") "$pid" 2>/dev/null && wait "$pid" || true
    done
    stop
    rm -rf "$work"
}
trap ended EXIT
mkdir -p "$out"

prepare "$work"
start "$work"
resident() { awk '/^VmRSS/ { print $2 }' "/proc/$service/status"; }
metric() { curl -s "http://$(of metrics)/metrics" | awk -v name="$1" 'index($1, name) == 1 { sum += $2 } END { printf "%d", sum }'; }
# Waits until a gauge has come to a number, and a little for what follows.
until_there() {
    for _ in $(seq 120); do
        [ "$(metric "$1")" -ge "$2" ] && sleep 10 && return
        sleep 1
    done
    echo "bench: $1 is $(metric "$1"), not $2, after two minutes" >&2
    exit 1
}
sleep 5
alone=$(resident)
rehearse "$work" idle "$out" >"$work/fleet" 2>&1 &
fleet=$!
until_there sanak_device_connections_count $devices
with_devices=$(resident)
"$binary" viewers --url "http://$(of http)" --election kg-demo -n "$viewers" --for 30s --units country,abroad,regions >"$out/viewers.json" &
readers=$!
until_there sanak_live_readers "$viewers"
with_both=$(resident)
awk -v alone="$alone" -v devices="$with_devices" -v both="$with_both" -v n=$devices -v m="$viewers" 'BEGIN {
    device = (devices - alone) * 1.024 / n; viewer = (both - devices) * 1.024 / m
    printf "alone %d MB; %d devices over TLS: %d MB, %.1f kB each (bound 25); %d readers beside them: %d MB, %.1f kB each (bound 15)\n", \
        alone / 976, n, devices / 976, device, m, both / 976, viewer
    exit device > 25 || viewer > 15
}' | tee "$out/memory.txt"
