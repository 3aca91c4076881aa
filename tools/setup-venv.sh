#!/bin/sh
# Makes the virtual environment and installs the project with its tools into it.
# Arguments: the Python to use, the directory of the environment.
set -eu
python=$1
venv=$2

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "setup: $python is $("$python" --version 2>&1); Python 3.11 or later is needed (make PYTHON=python3.11 ...)" >&2
    exit 1
fi
if [ ! -x "$venv/bin/pip" ]; then
    if ! "$python" -m venv "$venv" >&2; then
        echo "setup: $python cannot make a virtual environment; install python3-venv" >&2
        exit 1
    fi
fi
echo "setup: installing the project into $venv" >&2
# pip's own notices about index locations and new versions would drown what matters.
"$venv/bin/pip" install --quiet --quiet --disable-pip-version-check --editable '.[dev]'
