#!/usr/bin/env bash
# Generates the Go of proto/ into api/ and internal/store/storepb.
#
#   tools/generate.sh           replaces the generated files
#   tools/generate.sh --check   changes nothing; fails when they are out of date
#
# The output is made aside and put in place only when all of it exists, so a
# mistake in a proto leaves the tree as it was.
set -euo pipefail
cd "$(dirname "$0")/.."

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
mkdir -p "$fresh/api" "$fresh/internal/store/storepb"
tools/buf generate -o "$fresh"

for dir in api internal/store/storepb; do
	mkdir -p "$dir"
	diff -r -q "$dir" "$fresh/$dir" >"$fresh/difference" && continue
	if [ "${1:-}" = --check ]; then
		cat "$fresh/difference" >&2
		echo "generated code is out of date: run tools/generate.sh and commit the result" >&2
		exit 1
	fi
	cp -R "$fresh/$dir/." "$dir/"
	find "$dir" -name '*.pb.go' | while read -r file; do
		[ -e "$fresh/$file" ] || rm "$file"
	done
done
