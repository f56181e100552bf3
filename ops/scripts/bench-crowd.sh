#!/usr/bin/env bash
# The worst minute of the night with as many readers as are expected, and with ten times as many, one after the other:
# bench-crowd.sh [ROUNDS]. The service is told to seat a quarter more than are expected. Ends with an error where the
# crowd makes receipts more than a quarter (and 25 ms) later than the round without it.
# EXPECTED says how many are expected (1000); SANAK_BIN names the binary.
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/scripts/rehearsed.sh

binary=$(realpath "${SANAK_BIN:-target/release/sanak}")
rounds=${1:-1}
expected=${EXPECTED:-1000}
out=$PWD/build/bench/crowd
work=$(mktemp -d)
crowd=
ended() {
    for pid in $crowd; do kill "$pid" 2>/dev/null && wait "$pid" || true; done
    stop
    rm -rf "$work"
}
trap ended EXIT
mkdir -p "$out"
export SANAK_LIMITS__LIVE_READERS=$((expected * 5 / 4))
# A process has no more sockets than this; a crowd is of several.
files=$(ulimit -n)
[ "$files" != unlimited ] || files=65536
a_process=$((files - 500))
[ "$a_process" -gt 0 ] || { echo "bench: $files open files are too few: ulimit -n" >&2; exit 1; }
missed=0

prepare "$work"
for round in $(seq "$rounds"); do
    for viewers in "$expected" $((expected * 10)); do
        rm -rf "$work/data"
        mkdir "$work/data"
        start "$work"
        printf '\n== %s readers, round %s (load average %s)\n' "$viewers" "$round" "$(cut -d' ' -f1 /proc/loadavg)"
        to=$out/$viewers-$round
        mkdir -p "$to"
        rm -f "$to"/crowd-*.json
        # That not all of a crowd is let in is no fault here.
        left=$viewers
        while [ "$left" -gt 0 ]; do
            some=$((left < a_process ? left : a_process))
            left=$((left - some))
            "$binary" viewers --url "http://$(of http)" --election kg-demo -n "$some" --for 80s \
                --units country,abroad,regions >"$to/crowd-$left.json" 2>"$work/crowd.log" &
            crowd+=" $!"
        done
        rehearse "$work" burst "$to" || missed=1
        for pid in $crowd; do wait "$pid" || true; done
        crowd=
        stop
    done
done
node - "$out" "$expected" "$rounds" <<'JS'
const [out, expected, rounds] = process.argv.slice(2);
const { readFileSync, readdirSync } = require("fs");
const median = (values) => values.sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
const of = (viewers) => {
    const dirs = [...Array(+rounds).keys()].map((at) => `${out}/${viewers}-${at + 1}`);
    const json = (file) => JSON.parse(readFileSync(file));
    const reports = dirs.map((dir) => json(`${dir}/report.json`));
    const crowds = dirs.map((dir) => readdirSync(dir).filter((file) => file.startsWith("crowd-")).map((file) => json(`${dir}/${file}`)));
    const sum = (all) => all.reduce((sum, one) => sum + one, 0);
    const breaches = sum(crowds.flat().map((crowd) => crowd.breaches));
    const lost = sum(reports.map((report) => report.counts.lost + report.totals.differ)) + breaches;
    return {
        readers: +viewers,
        seated: median(crowds.map((crowd) => sum(crowd.map((part) => part.connected)))),
        attempts: median(crowds.map((crowd) => sum(crowd.map((part) => part.attempts)))),
        lost,
        "receipt p50, ms": median(reports.map((report) => report.receipt.p50)),
        "receipt p99, ms": median(reports.map((report) => report.receipt.p99)),
    };
};
const [few, many] = [of(expected), of(expected * 10)];
console.table([few, many]);
const late = ["receipt p50, ms", "receipt p99, ms"].filter((key) => many[key] > few[key] * 1.25 + 25);
if (late.length > 0 || few.lost + many.lost > 0) {
    console.error(`bench: missed: ${late.join(", ")} (lost, different or broken: ${few.lost + many.lost})`);
    process.exit(1);
}
JS
exit $missed
