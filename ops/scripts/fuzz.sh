#!/usr/bin/env bash
# Builds the fuzz targets and lets each run: fuzz.sh [SECONDS_EACH] [TARGET…]. Ends with an error when one finds
# something; what it found is in build/fuzz.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=${1:-20}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(envelope payload precinct)

target_dir=$(realpath -m "${CARGO_TARGET_DIR:-target}")/fuzz
corpus=$PWD/build/fuzz/corpus
mkdir -p "$corpus"
cargo run --quiet --locked -p device-wire --example fuzz_seeds -- "$corpus"

# What `cargo fuzz` passes, without a sanitizer: those need another toolchain, and there is no unsafe code here.
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares"
# With a target named, build scripts and macros are built without these flags.
host=$(rustc -vV | sed -n 's/^host: //p')
CARGO_TARGET_DIR=$target_dir cargo build --quiet --release --locked --target "$host" \
    --manifest-path load-tests/fuzz/Cargo.toml
bin=$target_dir/$host/release

for target in "${targets[@]}"; do
    echo "== fuzz $target for $seconds s"
    log=build/fuzz/$target.log
    if ! "$bin/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=8192 \
        -artifact_prefix=build/fuzz/"$target"- "$corpus/$target" >"$log" 2>&1; then
        tail -n 40 "$log"
        echo "fuzz: $target found something: build/fuzz/$target-*" >&2
        exit 1
    fi
    grep -E '^(Done|stat::)' "$log" || tail -n 1 "$log"
done
