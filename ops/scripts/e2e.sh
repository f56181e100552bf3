#!/usr/bin/env bash
# The page in headless Chromium, against a demo that this script starts and ends. Screenshots: build/screenshots.
# With `bench` as its argument it measures the page instead, once a night is over and time runs as it does. SANAK_BIN names the binary; PRECINCTS and SPEED say how large the country is, and how fast the night.
set -euo pipefail
cd "$(dirname "$0")/../.."

binary=$(realpath "${SANAK_BIN:-target/debug/sanak}")
logs=$PWD/build/logs
data=$(mktemp -d)
mkdir -p "$logs"
demo=

ended() {
    local status=$?
    if [ -n "$demo" ] && kill -INT "$demo" 2>/dev/null; then
        for _ in $(seq 100); do kill -0 "$demo" 2>/dev/null || break; sleep 0.1; done
        kill -KILL "$demo" 2>/dev/null || true
    fi
    rm -rf "$data"
    if [ "$status" -ne 0 ]; then
        echo "e2e: failed; the demo's last words (all of them: $logs/demo.log):" >&2
        tail -n 30 "$logs/demo.log" >&2 || true
    fi
}
trap ended EXIT

port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
export SANAK_URL=http://127.0.0.1:$port
night=(--precincts "${PRECINCTS:-120}" --data "$data")
speed=${SPEED:-600}
if [ "${1:-}" = bench ]; then
    # A fleet that lives a day in a minute is no machine to measure a page on: the count first, then the page.
    "$binary" demo --http "127.0.0.1:$port" "${night[@]}" --speed "$speed" --once >"$logs/night.json" 2>"$logs/night.log" &
    demo=$!
    wait "$demo"
    speed=1
fi
"$binary" demo --http "127.0.0.1:$port" "${night[@]}" --speed "$speed" >"$logs/demo.log" 2>&1 &
demo=$!

ready() { node -e 'fetch(process.argv[1]).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))' "$SANAK_URL/readyz"; }
for attempt in $(seq 120); do
    kill -0 "$demo" 2>/dev/null || { echo "e2e: the demo ended before it was ready" >&2; exit 1; }
    ready && break
    [ "$attempt" -lt 120 ] || { echo "e2e: the demo was not ready after a minute" >&2; exit 1; }
    sleep 0.5
done

(cd dashboard/web && npm run --silent "${1:-e2e}")
kill -0 "$demo" 2>/dev/null || { echo "e2e: the demo ended while the page was being watched" >&2; exit 1; }
