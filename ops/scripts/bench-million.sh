#!/usr/bin/env bash
# The night of a country of one million precincts, larger than any: each urn comes over a connection of its own, says its
# opening and its count, and goes. Says when the service was ready, how long the night took and how much memory was taken,
# and how soon all is there again after a kill. Ends with an error where a report is lost, a figure differs, or the service
# took more than MOST_GIB. PRECINCTS and SECONDS_OF_NIGHT set another country; SANAK_BIN names the binary.
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/scripts/rehearsed.sh

binary=$(realpath "${SANAK_BIN:-target/release/sanak}")
precincts=${PRECINCTS:-1000000}
night=${SECONDS_OF_NIGHT:-1000}
most=${MOST_GIB:-3}
out=$PWD/build/bench/million
work=$(mktemp -d)
ended() {
    stop
    rm -rf "$work"
}
trap ended EXIT
mkdir -p "$out"

memory() { awk '/^Vm(RSS|HWM)/ { printf "%s %.2f GiB  ", $1 == "VmRSS:" ? "memory" : "at most", $2 / 1048576 } END { print "" }' "/proc/$service/status"; }
timed() {
    local began
    began=$(date +%s.%N)
    start "$work"
    awk -v what="$1" -v from="$began" -v to="$(date +%s.%N)" 'BEGIN { printf "%s after %.1f s\n", what, to - from }'
    memory
}

"$binary" fleet country --precincts "$precincts" --terminals 0 --parties 12 --out "$work"
sed -i 's/listen = "127.0.0.1:[0-9]*"/listen = "127.0.0.1:0"/' "$work/sanak.toml"
timed "ready"
missed=0
"$binary" fleet --election "$work/election" --keys-from-seed 1 --broker "mqtt://$(of mqtt)" --url "http://$(of http)" \
    --metrics "$(of metrics)" --pid "$service" --scenario country --for "${night}s" --out "$out" || missed=1
memory
taken=$(awk '/^VmHWM/ { print $2 }' "/proc/$service/status")
kill -KILL "$service"
wait "$service" || true
timed "killed, and ready again"
if [ "$taken" -gt $((most * 1048576)) ]; then
    echo "bench: it took more than $most GiB" >&2
    missed=1
fi
exit $missed
