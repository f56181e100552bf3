#!/usr/bin/env bash
# Rehearses the demonstration election over TLS against a service of its own, scenario by scenario, on this machine:
# bench-night.sh [SCENARIO[:fleet options]…]. Reports: build/bench/SCENARIO; ends with an error when one was not held.
# BROKER=mosquitto puts that broker between. SANAK_BIN names the binary; VIEWERS says how many follow the feed meanwhile.
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/scripts/rehearsed.sh

binary=$(realpath "${SANAK_BIN:-target/release/sanak}")
out=$PWD/build/bench${BROKER:+/$BROKER}
work=$(mktemp -d)
ended() {
    stop
    rm -rf "$work"
}
trap ended EXIT
mkdir -p "$out"

scenarios=("$@")
[ ${#scenarios[@]} -gt 0 ] || scenarios=("burst:--viewers ${VIEWERS:-5000} --units country,abroad,regions" storm "steady" idle)

prepare "$work"
missed=0
for scenario in "${scenarios[@]}"; do
    name=${scenario%%:*}
    options=()
    [ "$name" = "$scenario" ] || read -ra options <<<"${scenario#*:}"
    # Every scenario begins with an empty record.
    rm -rf "$work/data" "$work"/broker/*.db
    mkdir "$work/data"
    start "$work"
    printf '\n== %s %s (load average %s)\n' "$name" "${options[*]}" "$(cut -d' ' -f1 /proc/loadavg)"
    rehearse "$work" "$name" "$out/$name" "${options[@]}" || missed=1
    stop
done
exit $missed
