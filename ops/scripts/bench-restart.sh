#!/usr/bin/env bash
# How long a service needs that was killed with a million reports on record: bench-restart.sh [SECONDS], of 7,000 reports
# a second (145 unless said). Ends with an error when it takes ten seconds or more. SANAK_BIN names the binary.
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/scripts/rehearsed.sh

binary=$(realpath "${SANAK_BIN:-target/release/sanak}")
seconds=${1:-145}
work=$(mktemp -d)
ended() {
    stop
    rm -rf "$work"
}
trap ended EXIT

prepare "$work"
start "$work"
# How fast they come is another question.
rehearse "$work" steady "$PWD/build/bench/restart" --rate 7000 --for "${seconds}s" --objective receipt_p99=60s --objective rate=1
kill -KILL "$service"
wait "$service" || true
# Every signature is looked at: a minute.
records=$("$binary" journal check --data "$work/data" --election "$work/election" | tail -1)
began=$(date +%s%N)
start "$work"
took=$((($(date +%s%N) - began) / 1000000))
echo "bench: ready again after $took ms; $(awk '/^VmRSS/ { print $2 / 1024 " MiB" }' "/proc/$service/status"); $records"
[ "$took" -lt 10000 ]
