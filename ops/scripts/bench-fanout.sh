#!/usr/bin/env bash
# The same frames to the same readers through a bare TCP broadcast, Sanak's feed, Mosquitto's and NATS' WebSocket
# listeners, one after another: bench-fanout.sh [ROUNDS]. Ends with an error where Sanak is not ahead.
# READERS, UNITS, VERSIONS, EVERY (ms) say of what; TARGETS which; examples and SANAK_BIN are those of target/release.
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/scripts/rehearsed.sh

binary=$(realpath "${SANAK_BIN:-target/release/sanak}")
examples=$(dirname "$binary")/examples
rounds=${1:-3}
readers=${READERS:-5000}
units=${UNITS:-country,abroad,regions}
versions=${VERSIONS:-40}
every=${EVERY:-250}
first=40 # frames of the recorded night before those that are distributed
night=$PWD/build/bench/recorded
out=$PWD/build/bench/fanout
work=$(mktemp -d)
server=
ended() {
    stop
    if [ -n "$server" ]; then kill "$server" 2>/dev/null && wait "$server" || true; fi
    rm -rf "$work"
}
trap ended EXIT
mkdir -p "$out"

recorded
"$examples/feed_of_a_night" frames "$night/election" "$night/precincts.events" "$units" $first "$versions" "$work/frames"
echo "bench: $versions frames of $units, $(($(stat -c %s "$work/frames") / versions)) bytes each, one every $every ms to $readers readers"

# Starts a server; sets where readers come and where frames are published. Another's port that was free a moment ago
# may have gone to one of the connections that are being closed: then it is tried with others.
serve() {
    for _ in 1 2 3; do launch "$1" && return; done
    echo "bench: $1 did not start: $(cat "$work/log")" >&2
    exit 1
}

launch() {
    local a b
    rm -f "$work/said"
    : >"$work/log"
    case $1 in
    tcp) "$examples/fanout" broadcast >"$work/said" & ;;
    sanak) "$examples/feed_of_a_night" serve "$night/election" "$night/precincts.events" $first "$versions" >"$work/said" & ;;
    mosquitto)
        a=$(free_port) b=$(free_port)
        printf 'per_listener_settings false\nallow_anonymous true\npersistence false\nlog_type error\nset_tcp_nodelay true\nlistener %s 127.0.0.1\nprotocol websockets\nlistener %s 127.0.0.1\n' "$a" "$b" >"$work/mosquitto.conf"
        /usr/sbin/mosquitto -c "$work/mosquitto.conf" >"$work/log" 2>&1 &
        echo "ready readers=127.0.0.1:$a publish=127.0.0.1:$b" >"$work/said"
        ;;
    nats)
        a=$(free_port) b=$(free_port)
        printf 'listen: "127.0.0.1:%s"\nmax_payload: 8388608\nmax_connections: 100000\nping_interval: "5m"\nwebsocket { listen: "127.0.0.1:%s", no_tls: true, compression: false }\n' "$b" "$a" >"$work/nats.conf"
        /usr/sbin/nats-server -c "$work/nats.conf" >"$work/log" 2>&1 &
        echo "ready readers=127.0.0.1:$a publish=127.0.0.1:$b" >"$work/said"
        ;;
    esac
    server=$!
    for _ in $(seq 300); do
        if grep -qs "^ready " "$work/said"; then
            ready=$(cat "$work/said")
            a=$(of readers)
            (exec 3<>"/dev/tcp/${a%:*}/${a#*:}") 2>/dev/null && return
        fi
        kill -0 $server 2>/dev/null || return 1
        sleep 0.1
    done
    return 1
}

path_of() {
    case $1 in
    sanak) echo "/api/v1/elections/kg-demo/live?units=$units" ;;
    mosquitto) echo /mqtt ;;
    *) echo / ;;
    esac
}

: >"$out/found.jsonl"
for round in $(seq "$rounds"); do
    for target in ${TARGETS:-tcp sanak mosquitto nats}; do
        serve "$target"
        "$examples/fanout" read "$target" "$(of readers)" "$(of publish)" "$(path_of "$target")" $server "$work/frames" \
            "$readers" "$every" | tee -a "$out/found.jsonl"
        kill $server 2>/dev/null || true
        wait $server 2>/dev/null || true
        server=
    done
done
"$examples/fanout" judge "$out/found.jsonl" | tee "$out/verdict.txt"
