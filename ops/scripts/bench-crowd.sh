#!/usr/bin/env bash
# The worst minute of the night with as many readers as are expected, and with ten times as many, one after the other:
# bench-crowd.sh [ROUNDS]. The service is told to seat a quarter more than are expected. Ends with an error where the
# crowd makes receipts more than a quarter (and 25 ms) later than the round without it.
# EXPECTED says how many are expected; SANAK_BIN names the binary.
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/scripts/rehearsed.sh

binary=$(realpath "${SANAK_BIN:-target/release/sanak}")
rounds=${1:-1}
expected=${EXPECTED:-2000}
out=$PWD/build/bench/crowd
work=$(mktemp -d)
ended() {
    stop
    rm -rf "$work"
}
trap ended EXIT
mkdir -p "$out"
export SANAK_LIMITS__LIVE_READERS=$((expected * 5 / 4))

prepare "$work"
for round in $(seq "$rounds"); do
    for viewers in "$expected" $((expected * 10)); do
        rm -rf "$work/data"
        mkdir "$work/data"
        start "$work"
        printf '\n== %s readers, round %s (load average %s)\n' "$viewers" "$round" "$(cut -d' ' -f1 /proc/loadavg)"
        # That not all of a crowd is let in is no fault here.
        rehearse "$work" burst "$out/$viewers-$round" --viewers "$viewers" --units country,abroad,regions || true
        stop
    done
done
node - "$out" "$expected" "$rounds" <<'JS'
const [out, expected, rounds] = process.argv.slice(2);
const { readFileSync } = require("fs");
const median = (values) => values.sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
const of = (viewers) => {
    const reports = [...Array(+rounds).keys()].map((at) => JSON.parse(readFileSync(`${out}/${viewers}-${at + 1}/report.json`)));
    const lost = reports.reduce((sum, report) => sum + report.counts.lost + report.totals.differ, 0);
    const row = { viewers: +viewers, seated: median(reports.map((report) => report.viewers.connected)), lost };
    for (const [name, key] of [["receipt", "p50"], ["receipt", "p99"], ["frame", "p50"], ["frame", "p99"]]) {
        row[`${name} ${key}, ms`] = median(reports.map((report) => report[name][key]));
    }
    return row;
};
const [few, many] = [of(expected), of(expected * 10)];
console.table([few, many]);
const late = ["receipt p50, ms", "receipt p99, ms"].filter((key) => many[key] > few[key] * 1.25 + 25);
if (late.length > 0 || few.lost + many.lost > 0) {
    console.error(`bench: missed: ${late.join(", ")} (lost or different: ${few.lost + many.lost})`);
    process.exit(1);
}
JS
