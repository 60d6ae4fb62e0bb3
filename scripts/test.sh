#!/bin/sh
# Run the whole suite. What the tests write lies in memory when /dev/shm has more than 2 GiB free (a third faster),
# else in the temporary folder. Either way it is removed at the end. Options go to pytest.
set -eu
cd "$(dirname "$0")/.."
place=${TMPDIR:-/tmp}
free=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')
if [ "${free:-0}" -gt 2097152 ] && [ -w /dev/shm ]; then place=/dev/shm; fi
folder=$(mktemp -d "$place/suite.XXXXXX")
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM HUP
# Three workers on two cores: the browser's tests mostly wait. Slow files come first (tests/conftest.py).
# TMPDIR too: what the product and the browser write as temporary files is searched and removed as well.
TMPDIR=$folder .venv/bin/python -m pytest --basetemp "$folder/tests" -n 3 \
    --dist loadfile --no-loadscope-reorder -ra "$@"
