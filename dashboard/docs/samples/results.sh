#!/bin/sh
# The country's votes as CSV, newest version. Ask as often as you like: what has not changed costs one line (304).
# sh results.sh https://results.example/api/v1/elections/ID
set -eu
curl --fail --silent --show-error --compressed --etag-compare results.etag --etag-save results.etag \
    --output results.csv "$1/export/results.csv"
grep ',country,country,' results.csv
