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
# One thread of matrix products for each process: with several in each, threads that wait for each other burn more
# processor time than they save.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
# The suite starts hundreds of processes; each would compile the whole product again.
unset PYTHONDONTWRITEBYTECODE
# Three workers on two cores: the browser's tests mostly wait. Slow files come first (tests/conftest.py).
# TMPDIR too: what the product and the browser write as temporary files is searched and removed as well.
# Two packages bring plugins that no test uses; importing them takes .9 s in each worker.
# A test that hangs fails after five minutes and shows where it stands; the others go on.
run() {
    TMPDIR=$folder .venv/bin/python -m pytest --basetemp "$folder/tests" --timeout 300 \
        -p no:schemathesis -p no:nbmake -ra "$@"
}
status=0
run -n 3 --dist loadfile --no-loadscope-reorder "$@" || status=$?
# Three workers, their browsers and their databases share two cores: now and then a test waits longer than it may.
# A few that failed run once more, alone. What fails twice is broken; what passes is named here, to be looked into.
if [ "$status" -eq 1 ] && [ "$#" -eq 0 ]; then
    failed=$(.venv/bin/python -c 'import json; print(*json.load(open(".pytest_cache/v/cache/lastfailed")), sep="\n")')
    if [ "$(echo "$failed" | wc -l)" -le 5 ]; then
        echo "These failed and run once more, alone:"
        echo "$failed"
        status=0
        run --last-failed --last-failed-no-failures none || status=$?
    fi
fi
exit "$status"
