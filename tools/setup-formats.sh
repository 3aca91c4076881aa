#!/bin/sh
# Installs what `make test-formats` judges reports with: Node into the virtual environment, and with its npm the
# validators that tools/formats/package.json names, in its directory `formats`. Debian's own Node and npm are not used: their age differs.
# Argument: the directory of the environment.
set -eu
bin=$(cd "$1/bin" && pwd)

echo "setup: installing Node and the validators of tools/formats" >&2
log=$(mktemp)
if ! "$bin/pip" install --quiet --disable-pip-version-check --editable '.[formats]' >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "setup: pip could not install Node (the extra \`formats\` of pyproject.toml), so no report can be judged by Heimdall's, SAF's and SARIF's tools" >&2
    exit 1
fi
mkdir -p "$bin/../formats"
cp tools/formats/package.json tools/formats/heimdall.mjs "$bin/../formats/"
# Nothing of a package runs while it is installed; what must be executable is made so here.
if ! (cd "$bin/../formats" && PATH="$bin:$PATH" npm install --ignore-scripts --no-package-lock --no-audit --no-fund) >"$log" 2>&1 ||
    ! chmod u+x "$bin"/../formats/node_modules/@microsoft/sarif-multitool-*/Sarif.Multitool 2>>"$log"; then
    tail -n 20 "$log" >&2
    echo "setup: npm could not install what tools/formats/package.json names; its last lines are shown, all of them are in $log" >&2
    exit 1
fi
rm -f "$log"
