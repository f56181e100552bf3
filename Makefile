# Sanak. Everything here works on a fresh Debian 12 machine with Rust 1.95 and Node 20, as root or with sudo.
# `make` alone lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

TARGET := $(or $(CARGO_TARGET_DIR),target)
WEB := dashboard/web

.PHONY: help demo test web bench bench-page fmt lint deny e2e fuzz setup clean drill-kill drill-hostile drill-network \
	drill-connections drill-history drill-readers bench-history bench-night bench-restart bench-fanout bench-reads bench-crowd bench-idle bench-growth bench-million

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo 'Options of the demo: make demo ARGS="--precincts 300 --speed 120"'

demo: setup web ## build all, run an election day and night, and print the address to open
	cargo build --release --locked -p sanak
	$(TARGET)/release/sanak demo $(ARGS)

test: ## formatting, lints, and every test, browser included; installs what they need
	@ops/scripts/test.sh

web: $(WEB)/node_modules/.package-lock.json ## build the page that the server carries
	cd $(WEB) && npm run build

$(WEB)/node_modules/.package-lock.json: $(WEB)/package-lock.json $(WEB)/package.json
	cd $(WEB) && npm ci --no-audit --no-fund

setup:
	@ops/scripts/setup.sh build

e2e: web ## the page in headless Chromium against a running demo
	@ops/scripts/setup.sh test
	cargo build --locked -p sanak
	SANAK_BIN=$(TARGET)/debug/sanak ops/scripts/e2e.sh

drill-kill: setup ## kill -9 the service 50 times under full load: nothing receipted is lost or counted twice
	cargo build --locked --workspace --bins
	SANAK_DRILL_KILLS=50 cargo test --locked --workspace --test crashes -- --nocapture killed_at_random_moments

drill-network: ## minutes without a network: links taken down, flapping, packets dropped; root or user namespaces
	@ops/scripts/setup.sh test
	cargo build --locked --workspace --bin sanak
	cargo test --locked --workspace --test lines -- --ignored --nocapture taken_down_for_minutes

drill-connections: setup web ## 10,000 devices over TLS: memory, and that all are back within a minute of a kill
	cargo build --release --locked -p sanak
	ulimit -n $$(ulimit -Hn); cargo nextest run --release --locked --profile drill -p e2e --run-ignored only --no-capture \
		ten_thousand_devices
	ulimit -n $$(ulimit -Hn); cargo run --release --locked -p broker --example ten_thousand -- 10000

drill-history: ## the history's database away for ten minutes of a country's night, then slow: latencies, and every row
	@ops/scripts/setup.sh test
	cargo build --locked --workspace --bins
	SANAK_DRILL_OUTAGE=600 cargo nextest run --locked --profile drill --workspace --no-capture --test outage

drill-readers: setup web ## readers that leave at random for an hour of simulated night; about four minutes
	cargo build --locked --workspace --bin sanak
	cargo nextest run --locked --workspace --profile drill --run-ignored only --no-capture --test readers

bench-history: ## rows a second into PostgreSQL beside psql's own copy, and the time machine over ten million rows in either store
	@ops/scripts/setup.sh test
	cargo run --release --locked -p history --example bench

SECONDS_EACH ?= 600
fuzz: setup ## every fuzz target for ten minutes, or SECONDS_EACH=N
	ops/scripts/fuzz.sh $(SECONDS_EACH)

drill-hostile: setup web ## the night of the whole country beside clients that flood it; about three minutes
	cargo build --release --locked -p sanak
	cargo nextest run --release --locked --profile drill -p e2e --run-ignored only --no-capture whole_country

bench: setup ## criterion benchmarks: verify, decide, roll up, append, encode
	cargo bench --locked --workspace --benches

bench-page: setup web ## the page as a reader meets it: bytes and time of the first view, script when all precincts change
	@ops/scripts/setup.sh test
	cargo build --release --locked -p sanak
	PRECINCTS=2459 SPEED=1200 SANAK_BIN=$(TARGET)/release/sanak ops/scripts/e2e.sh bench

bench-night: setup web ## the demonstration election over TLS under load: burst, storm, steady rate, idle; about ten minutes
	cargo build --release --locked -p sanak
	ulimit -n $$(ulimit -Hn); ops/scripts/bench-night.sh

bench-restart: setup web ## a service killed with a million reports on record: ready again within ten seconds; about four minutes
	cargo build --release --locked -p sanak
	ulimit -n $$(ulimit -Hn); ops/scripts/bench-restart.sh

bench-fanout: web ## the same frames to 5,000 readers: the feed, a bare TCP broadcast, Mosquitto, NATS; about four minutes
	@ops/scripts/setup.sh bench
	cargo build --release --locked --workspace --bin sanak --example fanout --example feed_of_a_night
	ulimit -n $$(ulimit -Hn); ops/scripts/bench-fanout.sh

bench-reads: web ## reads a second of a snapshot beside nginx with the same files; about three minutes
	@ops/scripts/setup.sh bench
	cargo build --release --locked --workspace --bin sanak
	ulimit -n $$(ulimit -Hn); ops/scripts/bench-reads.sh

bench-crowd: setup web ## the worst minute with as many readers as expected, and with ten times as many; about three minutes
	cargo build --release --locked --workspace --bin sanak
	ulimit -n $$(ulimit -Hn); ops/scripts/bench-crowd.sh

bench-idle: setup web ## memory of idle devices over TLS and of readers; about two minutes
	cargo build --release --locked --workspace --bin sanak
	ulimit -n $$(ulimit -Hn); ops/scripts/bench-idle.sh

bench-growth: setup web ## how cost grows from a quarter of the country to sixteen times it, one plot; about five minutes
	cargo build --release --locked --workspace --bin sanak
	ops/scripts/bench-growth.sh

bench-million: setup web ## a country of one million precincts from its start to its last report, and memory; about twenty minutes
	cargo build --release --locked --workspace --bin sanak
	ulimit -n $$(ulimit -Hn); ops/scripts/bench-million.sh

fmt: ## format all Rust code
	cargo fmt --all

lint: setup web ## formatting, clippy and the page's types, without running tests
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cd $(WEB) && npm run check

deny: ## licences, advisories and banned crates (deny.toml); builds cargo-deny when it is missing
	@command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny --locked check

clean: ## remove what was built
	cargo clean
	rm -rf build $(WEB)/dist $(WEB)/node_modules
