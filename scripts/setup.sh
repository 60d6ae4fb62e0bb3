#!/bin/sh
# Make .venv with the newest Python of 3.11-3.13 that really runs, and install a lock file into it.
# Usage: scripts/setup.sh runtime|dev        Does nothing when that lock is installed already.
set -eu
cd "$(dirname "$0")/.."
lock=locks/${1:?usage: scripts/setup.sh runtime|dev}.txt
venv=.venv
stamp=$venv/.installed-$1

works() { # a shim, or a build without these modules, is on many a machine and does not really run
    "$1" -c 'import sys, ssl, sqlite3, venv, ensurepip, ctypes; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
        >/dev/null 2>&1
}

newest_python() {
    for minor in 13 12 11; do
        for candidate in "python3.$minor" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3."$minor".*/bin/python3; do
            if works "$candidate"; then echo "$candidate"; return; fi
        done
    done
    if works python3; then echo python3; return; fi
    echo "Usual needs Python 3.11, 3.12 or 3.13 with the modules ssl, sqlite3, venv and ensurepip." >&2
    echo "On Debian or Ubuntu: apt install python3 python3-venv" >&2
    exit 1
}

ready() { # make goes on by itself; a person who called this asks what comes next
    if [ "$1" = runtime ] && [ -z "${MAKELEVEL:-}" ]; then
        echo "Ready. Next: .venv/bin/usual init, then .venv/bin/usual serve (docs/quick-start.md)"
    fi
}

wanted=$(cat "$lock" locks/build.txt pyproject.toml | cksum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && works "$venv/bin/python"; then
    ready "$1"
    exit 0
fi

if ! works "$venv/bin/python"; then
    python=$(newest_python)
    echo "Creating $venv with $("$python" --version)"
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi
rm -f "$venv"/.installed-*  # interrupted from here on, the next call installs again
echo "Installing $(grep -c '==' "$lock") packages from $lock, each checked by its hash (a minute or two)"
quiet=-q
if [ -t 1 ]; then quiet=; fi
# A lock is complete, so nothing is looked up beside it (--no-deps): runtime.txt leaves out on purpose what a package
# asks for and does not need (locks/runtime-left-out.txt).
"$venv/bin/python" -m pip install --disable-pip-version-check $quiet --require-hashes --no-deps -r "$lock"
# The packages that build ours are pinned too, and are gone afterwards: nothing needs them at run time.
build=$(mktemp -d "${TMPDIR:-/tmp}/usual-build.XXXXXX")
trap 'rm -rf "$build"' EXIT
"$venv/bin/python" -m pip install --disable-pip-version-check -q --require-hashes --no-deps --target "$build" \
    -r locks/build.txt
PYTHONPATH=$build "$venv/bin/python" -m pip install --disable-pip-version-check -q --no-deps --no-build-isolation -e .
echo "$wanted" >"$stamp"
# The development lock holds everything of the runtime lock.
if [ "$1" = dev ]; then cat locks/runtime.txt locks/build.txt pyproject.toml | cksum >"$venv/.installed-runtime"; fi
ready "$1"
