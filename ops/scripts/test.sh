#!/usr/bin/env bash
# Every check and test there is, the cheapest to fail first. Prints what each step took, and at the end the
# closing lines of every runner. Rust is built once, in the dev profile; clippy only looks and builds nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."
export NO_COLOR=1 # logs are read by people in other places

logs=build/logs
mkdir -p "$logs"
times=()
running=

ended() {
    local status=$?
    echo
    printf '%s\n' "${times[@]}"
    if [ "$status" -ne 0 ]; then
        echo "FAILED in: $running (whole output of the runners: $logs)"
    fi
}
trap ended EXIT

# step NAME COMMAND…: runs it, keeps its output in build/logs/NAME.log as well.
step() {
    running=$1
    local began=$SECONDS
    shift
    printf '\n== %s: %s\n' "$running" "$*"
    "$@" 2>&1 | tee "$logs/$running.log"
    times+=("$(printf '%-12s %4d s' "$running" $((SECONDS - began)))")
}

rust_tests() {
    if cargo nextest --version >/dev/null 2>&1; then
        cargo nextest run --workspace --locked --no-fail-fast
        cargo test --workspace --doc --locked --quiet
    else
        cargo test --workspace --locked --no-fail-fast
    fi
}

closing_lines() {
    printf '\n== closing lines of the runners\n'
    grep -ahE '^ *(Test Files|Tests) ' "$logs/page-tests.log"
    grep -ahE '^ *Summary |^test result: ' "$logs/rust-tests.log"
    grep -ahE '^(== fuzz|Done)' "$logs/fuzz.log"
    grep -ahE '^ *(Test Files|Tests) ' "$logs/browser.log"
}

web() { (cd dashboard/web && "$@"); }

step setup ops/scripts/setup.sh test
step formatting cargo fmt --all --check
step page-setup make --no-print-directory dashboard/web/node_modules/.package-lock.json
step page-types web npm run --silent check
step page-tests web npm test --silent
step page-build web npm run --silent build
step clippy cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
step rust-tests rust_tests
step fuzz ops/scripts/fuzz.sh 20
# The tests of the command have built it.
step browser env SANAK_BIN="${CARGO_TARGET_DIR:-target}/debug/sanak" ops/scripts/e2e.sh
closing_lines
