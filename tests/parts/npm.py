"""npm packages for tests that need one: installed into a folder of their own, and left out where they cannot be had."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

_OPTIONS: Final = ("--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--fetch-retries=1")
_NOT_FETCHED: Final = re.compile(r"ENOTFOUND|EAI_AGAIN|ECONN\w+|ETIMEDOUT|ENETUNREACH|E40[134]|ETARGET")


def install_packages(source: Path, folder: Path) -> None:
    """Copy what is in a folder with a package.json, and install what that names beside it.

    The test is skipped where there is no node, or where the packages cannot be fetched.
    """
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node and npm are not there")
    shutil.copytree(source, folder, dirs_exist_ok=True)
    command = ["npm", "install", *_OPTIONS]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    if done.returncode and _NOT_FETCHED.search(done.stderr):
        pytest.skip("the npm packages cannot be fetched")
    assert done.returncode == 0, done.stderr
