#!/bin/sh
# Sends generated requests to the server at BASE_URL, and checks its answers against its OpenAPI document.
#
#     BASE_URL=http://127.0.0.1:8000 contract/schemathesis.sh [option of schemathesis]...
#
# It needs uv. The events of a thread never end, so they are left out.
set -eu
exec uvx --python 3.11 schemathesis@4.32.5 --config-file "$(dirname "$0")/schemathesis.toml" run "$BASE_URL/openapi.json" --checks all --continue-on-failure \
    --generation-deterministic --max-examples "${EXAMPLES:-10}" --request-timeout 20 --no-color \
    --exclude-operation-id joinThreadStream "$@"
