#!/usr/bin/env bash
# openapi-python-client 0.29.1 refuses a whole OpenAPI 3.1 document when one operation has no `responses`.
#
# OpenAPI 3.1 made `responses` optional in an operation (§4.8.10, "Operation Object"); 3.0 required it.
# Seen: exit status 1, "Failed to parse OpenAPI document", `paths./ping.post.responses`: Field required. No file is written,
# not even for the other operation. With "responses": {} in the same place the client is generated, exit status 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check openapi-python-client==0.29.1 pydantic==2.14.0

document() { # what the operation without answers holds beside its id
  cat <<JSON
{"openapi": "3.1.0", "info": {"title": "Bells", "version": "1"}, "paths": {
  "/ping": {"post": {"operationId": "ping"$1}},
  "/pong": {"get": {"operationId": "pong", "responses": {"200": {"description": "rung"}}}}}}
JSON
}
generate() { # name of the document
  set +e
  PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/openapi-python-client" generate --path "$folder/$1.json" --meta none \
    --output-path "$folder/$1" >"$folder/$1.log" 2>&1
  status=$?
  set -e
}
document '' >"$folder/without.json"
document ', "responses": {}' >"$folder/empty.json"

generate without
echo "without responses: exit status $status"
grep -A1 'paths./ping.post.responses' "$folder/without.log"
[ "$status" -eq 1 ] && [ ! -e "$folder/without" ] && grep -q 'Field required' "$folder/without.log" || { echo 'changed'; exit 1; }

generate empty
echo "with empty responses: exit status $status"
[ "$status" -eq 0 ] && [ -n "$(find "$folder/empty" -name pong.py)" ] || { echo 'changed'; exit 1; }
