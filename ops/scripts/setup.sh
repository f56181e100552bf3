#!/usr/bin/env bash
# Installs what is missing: `setup.sh build` for building and the demo, `setup.sh test` for the tests as well, `setup.sh bench`
# for what the benchmarks compare with.
# Nothing is touched that is there already.
set -euo pipefail
cd "$(dirname "$0")/../.."

purpose=${1:-build}

stop() {
    echo "setup: $*" >&2
    exit 2
}

install_packages() {
    local packages=("$@") as_root=()
    command -v apt-get >/dev/null || stop "this machine has no apt-get: install what Debian calls ${packages[*]} by hand"
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || stop "run once as root: apt-get install ${packages[*]}"
        as_root=(sudo)
    fi
    echo "setup: installing ${packages[*]}"
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
    # Tests start a broker and a database of their own; those that the packages have started are not needed.
    if [[ " ${packages[*]} " == *" mosquitto "* ]] && command -v systemctl >/dev/null; then
        "${as_root[@]}" systemctl disable --now mosquitto >/dev/null 2>&1 || true
    fi
    local beside
    for beside in nginx nats-server; do
        if [[ " ${packages[*]} " == *" $beside"* ]] && command -v systemctl >/dev/null; then
            "${as_root[@]}" systemctl disable --now $beside >/dev/null 2>&1 || true
        fi
    done
    if [[ " ${packages[*]} " == *" postgresql-15 "* ]] && command -v systemctl >/dev/null; then
        "${as_root[@]}" systemctl disable --now postgresql >/dev/null 2>&1 || true
    fi
}

command -v cargo >/dev/null || stop "Rust is missing: install 1.95 or later from https://rustup.rs"
command -v npm >/dev/null || stop "Node is missing: install version 20.19 or later, with npm"
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' \
    || stop "Node $(node --version) is too old: install version 20.19 or later"

missing=()
# Rust links with the C compiler, and comes without one.
command -v cc >/dev/null || missing+=(gcc libc6-dev)
if [ "$purpose" = test ]; then
    command -v chromium >/dev/null || missing+=(chromium)
    # One of the programs that the page shows is a line of it.
    command -v curl >/dev/null || missing+=(curl)
    # Faults of the disk are injected with it.
    command -v strace >/dev/null || missing+=(strace)
    # What the page shows for checking a signed report runs on Debian's Python.
    /usr/bin/python3 -c 'import cbor2, cryptography' 2>/dev/null || missing+=(python3 python3-cbor2 python3-cryptography)
    # The page brings its own letters. What Chromium falls back on must know Kyrgyz too.
    dpkg-query -W -f '${Status}' fonts-dejavu-core 2>/dev/null | grep -q 'ok installed' || missing+=(fonts-dejavu-core)
fi
if [ "$purpose" = test ]; then
    # The broker that the tests start themselves, its clients, and what cuts and mends their network.
    [ -x /usr/sbin/mosquitto ] || missing+=(mosquitto)
    command -v mosquitto_pub >/dev/null || missing+=(mosquitto-clients)
    command -v openssl >/dev/null || missing+=(openssl)
    [ -x /usr/sbin/ip ] || [ -x /sbin/ip ] || missing+=(iproute2)
    [ -x /usr/sbin/nft ] || missing+=(nftables)
    # The database that the history's tests start themselves.
    [ -x /usr/lib/postgresql/15/bin/initdb ] || missing+=(postgresql-15)
    # What our results are compared with is written in Python.
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
fi
if [ "$purpose" = bench ]; then
    # What a user might pick instead, what asks for files, and for the feed.
    [ -x /usr/sbin/mosquitto ] || missing+=(mosquitto)
    [ -x /usr/sbin/nats-server ] || missing+=(nats-server)
    [ -x /usr/sbin/nginx ] || missing+=(nginx-light)
    command -v wrk >/dev/null || missing+=(wrk)
    command -v curl >/dev/null || missing+=(curl)
    command -v pgrep >/dev/null || missing+=(procps)
fi
[ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"

if [ "$purpose" = test ]; then
    timescale=dashboard/history/timescale
    if ! cmp -s "$timescale/package-lock.json" "$timescale/node_modules/installed.json"; then
        echo "setup: installing the TimescaleDB of the tests, pinned by $timescale/package-lock.json"
        (cd "$timescale" && npm ci --no-audit --no-fund --ignore-scripts --silent)
        cp "$timescale/package-lock.json" "$timescale/node_modules/installed.json"
    fi
    cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt
    cargo clippy --version >/dev/null 2>&1 || rustup component add clippy
    wanted=ops/scripts/requirements.txt
    if ! cmp -s "$wanted" build/python/installed.txt; then
        echo "setup: installing what $wanted names into build/python"
        python3 -m venv --clear build/python
        build/python/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement "$wanted"
        cp "$wanted" build/python/installed.txt
    fi
fi
cargo fetch --locked --quiet
