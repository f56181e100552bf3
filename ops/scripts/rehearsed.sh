# Sourced by the benchmarks: the demonstration election with its polls closed yesterday, and services of it that are
# started on free ports and ended by their own process id. Needs $binary.
# BROKER=mosquitto puts a Mosquitto of the configuration that `sanak provision` writes between devices and service;
# BROKER=mosquitto-quiet one that does not log each packet, so that what it refuses is not counted.

# Election and bundles into a directory.
prepare() {
    echo "bench: the demonstration election, its polls closed yesterday, with its bundles"
    cp -r ops/elections/kg-demo "$1/election"
    sed -i "s/^date = .*/date = \"$(date -u -d yesterday +%F)\"/" "$1/election/election.toml"
    "$binary" provision --election "$1/election" --out "$1/out" >/dev/null
    mkdir -p "$1/data"
    local mqtt
    mqtt=$(if [ -n "${BROKER:-}" ]; then behind "$1"; else direct; fi) || exit 1
    cat >"$1/sanak.toml" <<TOML
[election]
dir = "election"
[data]
dir = "data"
[mqtt]
$mqtt
[http]
listen = "127.0.0.1:0"
[metrics]
listen = "127.0.0.1:0"
[centre]
key_file = "out/centre.key"
TOML
}

direct() {
    cat <<TOML
listen = "127.0.0.1:0"
cert = "out/server.crt"
key = "out/server.key"
device_ca = "out/ca.crt"
TOML
}

# The service's end of a Mosquitto, and the broker's own configuration with the paths of a directory.
behind() {
    local port
    case $BROKER in
    mosquitto) ;;
    mosquitto-quiet) sed -i '/^log_type debug/d' "$1/out/broker/mosquitto.conf" ;;
    *)
        echo "bench: BROKER is mosquitto, mosquitto-quiet or nothing" >&2
        exit 1
        ;;
    esac
    port=$(free_port)
    mkdir -p "$1/broker"
    sed -e "s|/etc/mosquitto/sanak/mosquitto.acl|$1/out/broker/mosquitto.acl|" -e "s|/etc/mosquitto/sanak/|$1/out/|" \
        -e "s|/var/lib/mosquitto/|$1/broker/|" -e "s|/var/log/mosquitto/|$1/broker/|" \
        -e "s|^listener 8883 .*|listener $port 127.0.0.1|" "$1/out/broker/mosquitto.conf" >"$1/broker/mosquitto.conf"
    # Started by root it would become another user, to whom none of this belongs.
    echo "user $(id -un)" >>"$1/broker/mosquitto.conf"
    cat <<TOML
mode = "external"
broker = "mosquitto"
url = "mqtts://localhost:$port"
ca = "out/ca.crt"
cert = "out/gateway.crt"
key = "out/gateway.key"
log_file = "broker/sanak.log"
TOML
}

free_port() { node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'; }

broker=
service=
# Starts it on what is in the directory; ready when it says so.
start() {
    if [ -n "${BROKER:-}" ]; then
        /usr/sbin/mosquitto -c "$1/broker/mosquitto.conf" &
        broker=$!
    fi
    "$binary" serve --config "$1/sanak.toml" 2>"$1/log" &
    service=$!
    for _ in $(seq 1200); do
        grep -q '^ready ' "$1/log" && break
        kill -0 "$service" 2>/dev/null || { cat "$1/log" >&2; exit 1; }
        sleep 0.1
    done
    ready=$(grep '^ready ' "$1/log")
}

stop() {
    if [ -n "$service" ]; then kill -TERM "$service" 2>/dev/null && wait "$service" || true; fi
    service=
    if [ -n "$broker" ]; then kill "$broker" 2>/dev/null && wait "$broker" || true; fi
    broker=
}

# An address from the line in which it says that it is ready: http, mqtt, metrics.
of() { sed -n "s/.* $1=\([^ ]*\).*/\1/p" <<<"$ready"; }

# A scenario against the service of a directory, with its report in another.
rehearse() {
    local dir=$1 scenario=$2 out=$3 port
    shift 3
    port=$(of mqtt)
    [ -z "$broker" ] || port=$(sed -n 's/^url = .*:\([0-9]*\)"/\1/p' "$dir/sanak.toml")
    "$binary" fleet --election "$dir/election" --bundles "$dir/out" --broker "mqtts://localhost:${port##*:}" \
        --url "http://$(of http)" --metrics "$(of metrics)" --pid "$service" --scenario "$scenario" --out "$out" "$@"
}

# The worst minute of the night on record in build/bench/recorded, with what its readers were told of precincts.
recorded() {
    local dir=$PWD/build/bench/recorded
    if [ ! -s "$dir/precincts.events" ]; then
        rm -rf "$dir"
        mkdir -p "$dir"
        prepare "$dir"
        start "$dir"
        curl -sN "http://$(of http)/api/v1/elections/kg-demo/events?units=precincts" >"$dir/precincts.part" &
        local reader=$!
        rehearse "$dir" burst "$dir/report" --objective receipt_p99=60s --objective frame_p99=60s
        kill "$reader"
        stop
        mv "$dir/precincts.part" "$dir/precincts.events"
    fi
}
