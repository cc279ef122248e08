#!/bin/sh
# Installs Debian packages for shared libraries (or programs, or files) that are missing.
# Usage: system_libraries.sh [--program | --file] NAME:PACKAGE ...
set -eu
find_it() { ldconfig -p 2>/dev/null | grep -q "$1 "; }
if [ "${1:-}" = "--program" ]; then shift; find_it() { command -v "$1" >/dev/null 2>&1; }; fi
if [ "${1:-}" = "--file" ]; then shift; find_it() { test -e "$1"; }; fi
missing=""
for pair in "$@"; do
    find_it "${pair%%:*}" || missing="$missing ${pair#*:}"
done
[ -n "$missing" ] || exit 0
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    echo "installing system packages:$missing"
    apt-get update -qq >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing >/dev/null
else
    echo "missing system packages:$missing (install them, e.g. sudo apt-get install$missing)" >&2
fi
