"""Python's console, in which `await` works."""

import ast
import asyncio
import code
import inspect
import sys
from types import CodeType, FunctionType
from typing import Any


def interact(names: dict[str, Any], runner: asyncio.Runner) -> None:
    """Run the console until the user leaves it; every `await` runs in the event loop of the runner."""
    banner = f"Names: {', '.join(names)}. await works; exit() leaves." if sys.stdin.isatty() else ""
    _AsyncConsole(names, runner).interact(banner=banner, exitmsg="")


class _AsyncConsole(code.InteractiveConsole):
    def __init__(self, names: dict[str, Any], runner: asyncio.Runner) -> None:
        super().__init__(names)
        self.compile.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        self._runner = runner

    def raw_input(self, prompt: str = "") -> str:
        return super().raw_input(prompt if sys.stdin.isatty() else "")  # no prompt for a pipe

    def runcode(self, code: CodeType) -> None:
        try:
            result = FunctionType(code, self.locals)()
            if inspect.iscoroutine(result):
                self._runner.run(result)
        except SystemExit:
            raise
        except BaseException:
            self.showtraceback()
