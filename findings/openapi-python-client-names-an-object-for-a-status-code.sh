#!/usr/bin/env bash
# openapi-python-client 0.29.1 leaves out an answer that it can't read, and its warning doesn't say which one.
#
# Where the status code belongs, the warning has the representation of a Python object with its address in memory. With
# two such answers of one operation, nothing but the description tells them apart, and two runs print different texts.
# Seen: "Cannot parse response for status code <openapi_python_client.schema.untrusted_string.UntrustedString object at
# 0x…> (Unsupported content_type audio/flac)", once for each of 200 and 206, with exit status 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check openapi-python-client==0.29.1 pydantic==2.14.0

cat >"$folder/bells.json" <<'JSON'
{"openapi": "3.0.3", "info": {"title": "Bells", "version": "1"}, "paths": {"/chime": {"get": {"operationId": "chime",
  "responses": {
    "200": {"description": "the whole chime", "content": {"audio/flac": {"schema": {"type": "string", "format": "binary"}}}},
    "206": {"description": "a part of it", "content": {"audio/flac": {"schema": {"type": "string", "format": "binary"}}}}}}}}}
JSON
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/openapi-python-client" generate --path "$folder/bells.json" --meta none \
  --output-path "$folder/bells" >"$folder/log" 2>&1
tr '\n' ' ' <"$folder/log" | grep -o 'Cannot parse response for status code [^(]*([^)]*)'
unnamed=$(tr '\n' ' ' <"$folder/log" | grep -o 'status code <[^>]*UntrustedString object at 0x[0-9a-f]*>' | wc -l)
echo "warnings that name an object in place of a status code: $unnamed"
[ "$unnamed" -eq 2 ] || { echo 'changed'; exit 1; }
