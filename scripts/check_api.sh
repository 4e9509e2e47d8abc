#!/bin/sh
# Schemathesis over the API of a server that this starts and ends: check_api.sh BIN EXAMPLES
set -eu
bin=$1 examples=$2
log=$(mktemp)
"$bin/python" -m whichgpu serve --port 0 >"$log" &
server=$!
trap 'kill $server; rm -f "$log"' EXIT
until grep -q listening "$log"; do sleep 0.1; done
address=$(sed 's/listening on //' "$log")
"$bin/schemathesis" run "$address/api/v1/openapi.json" --checks all --max-examples "$examples" --continue-on-failure
