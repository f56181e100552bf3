#!/usr/bin/env bash
# Rehearses the demonstration election over TLS against a service of its own, scenario by scenario, on this machine:
# bench-night.sh [SCENARIO[:fleet options]…]. Reports: build/bench/SCENARIO; ends with an error when one was not held.
# SANAK_BIN names the binary; VIEWERS says how many follow the feed meanwhile.
set -euo pipefail
cd "$(dirname "$0")/../.."

binary=$(realpath "${SANAK_BIN:-target/release/sanak}")
out=$PWD/build/bench
work=$(mktemp -d)
service=
ended() {
    if [ -n "$service" ]; then kill -TERM "$service" 2>/dev/null && wait "$service" || true; fi
    rm -rf "$work"
}
trap ended EXIT
mkdir -p "$out"

scenarios=("$@")
[ ${#scenarios[@]} -gt 0 ] || scenarios=("burst:--viewers ${VIEWERS:-5000} --units country,abroad,regions" storm "steady" idle)

echo "bench: the demonstration election, its polls closed yesterday, with its bundles"
cp -r ops/elections/kg-demo "$work/election"
sed -i "s/^date = .*/date = \"$(date -u -d yesterday +%F)\"/" "$work/election/election.toml"
"$binary" provision --election "$work/election" --out "$work/out" >/dev/null

# Every scenario begins with an empty record.
start() {
    rm -rf "$work/data"
    mkdir "$work/data"
    cat >"$work/sanak.toml" <<TOML
[election]
dir = "election"
[data]
dir = "data"
[mqtt]
listen = "127.0.0.1:0"
cert = "out/server.crt"
key = "out/server.key"
device_ca = "out/ca.crt"
[http]
listen = "127.0.0.1:0"
[metrics]
listen = "127.0.0.1:0"
[centre]
key_file = "out/centre.key"
TOML
    "$binary" serve --config "$work/sanak.toml" 2>"$work/log" &
    service=$!
    for _ in $(seq 300); do
        grep -q '^ready ' "$work/log" && break
        kill -0 "$service" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
        sleep 0.1
    done
    ready=$(grep '^ready ' "$work/log")
}

of() { sed -n "s/.* $1=\([^ ]*\).*/\1/p" <<<"$ready"; }

missed=0
for scenario in "${scenarios[@]}"; do
    name=${scenario%%:*}
    options=()
    [ "$name" = "$scenario" ] || read -ra options <<<"${scenario#*:}"
    start
    printf '\n== %s %s (load average %s)\n' "$name" "${options[*]}" "$(cut -d' ' -f1 /proc/loadavg)"
    port=$(of mqtt)
    "$binary" fleet --election "$work/election" --bundles "$work/out" --broker "mqtts://localhost:${port##*:}" \
        --url "http://$(of http)" --metrics "$(of metrics)" --pid "$service" --scenario "$name" --out "$out/$name" \
        "${options[@]}" || missed=1
    kill -TERM "$service"
    wait "$service" || true
    service=
done
exit $missed
