#!/usr/bin/env bash
# The same night in countries of 1/4, 1, 4 and 16 times the size: each urn comes, says everything and goes, and the service
# is killed and started again with all of it on record. Ends with an error where a cost grows faster than the country.
# SIZES says how many precincts; RATE how many of them tell their count in a second. SANAK_BIN names the binary.
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/scripts/rehearsed.sh

binary=$(realpath "${SANAK_BIN:-target/release/sanak}")
sizes=${SIZES:-615 2459 9836 39344}
rate=${RATE:-250}
out=$PWD/build/bench/growth
work=$(mktemp -d)
ended() {
    stop
    rm -rf "$work"
}
trap ended EXIT

now() { date +%s.%N; }
since() { awk -v from="$1" -v to="$(now)" 'BEGIN { printf "%.3f\n", to - from }'; }
dirs=()
missed=0
for size in $sizes; do
    country=$work/$size
    to=$out/$size
    rm -rf "$to"
    mkdir -p "$to"
    "$binary" fleet country --precincts "$size" --terminals 0 --out "$country"
    sed -i 's/listen = "127.0.0.1:[0-9]*"/listen = "127.0.0.1:0"/' "$country/sanak.toml"
    began=$(now)
    start "$country"
    since "$began" >"$to/ready"
    printf '\n== %s precincts, ready after %s s (load average %s)\n' "$size" "$(cat "$to/ready")" "$(cut -d' ' -f1 /proc/loadavg)"
    "$binary" fleet --election "$country/election" --keys-from-seed 1 --broker "mqtt://$(of mqtt)" --url "http://$(of http)" \
        --metrics "$(of metrics)" --pid "$service" --scenario country --for "$((size / rate + 1))s" --out "$to" || missed=1
    kill -KILL "$service"
    wait "$service" || true
    began=$(now)
    start "$country"
    since "$began" >"$to/ready-again"
    stop
    rm -rf "$country"
    dirs+=("$to")
done
"$binary" fleet growth "${dirs[@]}" --out "$out/growth.html" | tee "$out/growth.txt" || missed=1
exit $missed
