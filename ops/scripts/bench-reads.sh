#!/usr/bin/env bash
# Reads of a country's snapshot from Sanak beside nginx with the same bytes in files, one after the other, by wrk:
# bench-reads.sh [ROUNDS]. As they are, compressed by gzip and brotli, and unchanged (304). Ends with an error where Sanak
# answers less than half as many. SECONDS_EACH, CONNECTIONS; SANAK_BIN names the binary.
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/scripts/rehearsed.sh

binary=$(realpath "${SANAK_BIN:-target/release/sanak}")
rounds=${1:-3}
seconds=${SECONDS_EACH:-5}
connections=${CONNECTIONS:-64}
night=$PWD/build/bench/recorded
out=$PWD/build/bench/reads
path=/api/v1/elections/kg-demo/results
work=$(mktemp -d)
nginx=
ended() {
    stop
    if [ -n "$nginx" ]; then kill "$nginx" 2>/dev/null && wait "$nginx" || true; fi
    rm -rf "$work"
}
trap ended EXIT
mkdir -p "$out" "$work/www"

recorded
start "$night"
# Devices that nobody hears are noted soon after the start; then the snapshot stays as it is.
before=
while curl -s "http://$(of http)$path" >"$work/www/results" && ! cmp -s "$work/www/results" "$work/before"; do
    mv "$work/www/results" "$work/before"
    sleep 3
done
curl -s -H 'accept-encoding: gzip' "http://$(of http)$path" >"$work/www/results.gz"
curl -s -H 'accept-encoding: br' "http://$(of http)$path" >"$work/www/results.br"
echo "bench: a snapshot of $(stat -c %s "$work/www/results") bytes, gzip $(stat -c %s "$work/www/results.gz"), br $(stat -c %s "$work/www/results.br")"

port=$(free_port)
cat >"$work/nginx.conf" <<CONF
daemon off;
worker_processes $(nproc);
pid $work/nginx.pid;
error_log stderr crit;
events { worker_connections 4096; }
http {
    access_log off;
    sendfile on;
    tcp_nopush on;
    etag on;
    keepalive_requests 1000000000;
    open_file_cache max=16;
    default_type application/json;
    client_body_temp_path $work/temp;
    proxy_temp_path $work/temp;
    fastcgi_temp_path $work/temp;
    uwsgi_temp_path $work/temp;
    scgi_temp_path $work/temp;
    server {
        listen 127.0.0.1:$port;
        root $work/www;
        location = /results { gzip_static on; }
        location = /results.br { add_header Content-Encoding br; }
    }
}
CONF
chmod 755 "$work" "$work/www"
/usr/sbin/nginx -e stderr -c "$work/nginx.conf" &
nginx=$!
for _ in $(seq 100); do curl -s "http://127.0.0.1:$port/results" >/dev/null && break || sleep 0.1; done

# Clock ticks that a process and its children have used.
ticks() { for pid in $1 $(pgrep -P "$1"); do sed 's/.*) //' "/proc/$pid/stat"; done | awk '{ sum += $12 + $13 } END { print sum }'; }
etag() { curl -sI -o /dev/null -w '%header{etag}' "$1"; }

# Who, his process, kind of answer, address, headers: requests a second and µs of his processor each.
measure() {
    local who=$1 pid=$2 kind=$3 url=$4 before said
    shift 4
    before=$(ticks "$pid")
    said=$(wrk -t2 -c"$connections" -d"${seconds}s" "$@" "$url")
    if grep -q 'Non-2xx\|Socket errors' <<<"$said"; then
        echo "bench: $who does not answer $kind: $said" >&2
        exit 1
    fi
    awk -v who="$who" -v kind="$kind" -v ticks=$(($(ticks "$pid") - before)) \
        '/requests in/ { n = $1 } /^Requests\/sec/ { printf "%s %s %.0f %.1f\n", kind, who, $2, ticks * 10000 / n }' <<<"$said"
}

: >"$out/found"
for _ in $(seq "$rounds"); do
    for kind in identity gzip br unchanged; do
        headers=(-H "accept-encoding: $kind")
        files="http://127.0.0.1:$port/results"
        live="http://$(of http)$path"
        case $kind in
        br) files+=.br ;;
        unchanged)
            headers=(-H "if-none-match: $(etag "$files")")
            measure nginx "$nginx" $kind "$files" "${headers[@]}" | tee -a "$out/found"
            headers=(-H "if-none-match: $(etag "$live")")
            measure sanak "$service" $kind "$live" "${headers[@]}" | tee -a "$out/found"
            continue
            ;;
        esac
        measure nginx "$nginx" $kind "$files" "${headers[@]}" | tee -a "$out/found"
        measure sanak "$service" $kind "$live" "${headers[@]}" | tee -a "$out/found"
    done
done
# Medians: awk has no sort of its own.
sort -k1,2 -k3n "$out/found" | awk '
    { key = $1 " " $2; if (key != last) { n[key] = 0; last = key } n[key]++; rate[key, n[key]] = $3; cost[key] += $4; kinds[$1] = 1 }
    END {
        printf "%-10s %12s %12s %7s %11s %11s\n", "kind", "nginx/s", "sanak/s", "ratio", "nginx us", "sanak us"
        for (kind in kinds) {
            a = kind " nginx"; b = kind " sanak"
            ratio = rate[b, int((n[b] + 1) / 2)] / rate[a, int((n[a] + 1) / 2)]
            printf "%-10s %12d %12d %7.2f %11.1f %11.1f %s\n", kind, rate[a, int((n[a] + 1) / 2)], rate[b, int((n[b] + 1) / 2)], ratio, cost[a] / n[a], cost[b] / n[b], ratio < 0.5 ? "MISSED" : ""
            if (ratio < 0.5) missed = 1
        }
        exit missed
    }' | tee "$out/table.txt"
