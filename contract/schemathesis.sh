#!/bin/sh
# Sends generated requests to the server at BASE_URL, and checks its answers against its OpenAPI document.
#
#     BASE_URL=http://127.0.0.1:8000 contract/schemathesis.sh [option of schemathesis]...
#
# It needs uv. The events of a thread never end, so they are left out. Each request has a connection of its
# own, because Robyn never answers again on some connections; see the README of apps/python.
set -eu
here=$(dirname "$0")
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT
uv venv --quiet --python 3.11 "$programs"
# uvx does not check hashes.
uv pip install --quiet --python "$programs/bin/python" --require-hashes --requirement "$here/schemathesis.txt"
export SCHEMATHESIS_HOOKS="$here/schemathesis_hooks.py"
"$programs/bin/schemathesis" --config-file "$here/schemathesis.toml" \
    run "$BASE_URL/openapi.json" --checks all --continue-on-failure --generation-deterministic \
    --max-examples "${EXAMPLES:-10}" --request-timeout 20 --no-color --header "Connection: close" \
    --exclude-operation-id joinThreadStream --exclude-operation-id streamThreadEvents "$@"
