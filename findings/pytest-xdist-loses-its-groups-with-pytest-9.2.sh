#!/usr/bin/env bash
# pytest-xdist 3.8.0 with pytest 9.2.0: `--dist loadgroup` is silently `--dist load`. xdist writes the group of a test to
# `item._nodeid`; pytest 9.2 makes `nodeid` of something else. With pytest 9.1 the tests of a group share a process.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >test_groups.py <<'PYTHON'
import os
import time

import pytest


@pytest.mark.parametrize("number", range(8))
@pytest.mark.xdist_group("one process")
def test_it(number):
    time.sleep(0.2)
    open(f"process-{os.getpid()}", "w").close()
PYTHON

processes() { # the release of pytest -> how many processes ran the tests of one group
  python3 -m venv "venv-$1"
  "venv-$1/bin/pip" install -q --disable-pip-version-check "pytest==$1" pytest-xdist==3.8.0
  rm -f process-*
  "venv-$1/bin/python" -m pytest -q -n 2 --dist loadgroup -p no:cacheprovider >&2
  find . -maxdepth 1 -name 'process-*' | wc -l
}

new=$(processes 9.2.0)
old=$(processes 9.0.2)
echo "a group of 8 tests ran in $old process with pytest 9.0.2, and in $new processes with pytest 9.2.0"
[[ $old == 1 && $new == 2 ]]
