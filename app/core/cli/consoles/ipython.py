"""IPython's console. Import this file only where IPython is installed."""

import asyncio
from typing import Any

from IPython import start_ipython
from traitlets.config import Config


def interact(names: dict[str, Any], runner: asyncio.Runner) -> None:
    """Run the console until the user leaves it; every `await` runs in the event loop of the runner."""
    config = Config()
    config.InteractiveShell.loop_runner = lambda coroutine: runner.run(coroutine)  # noqa: PLW0108  # a method would be copied
    config.InteractiveShell.banner2 = f"Names: {', '.join(names)}.\n"
    start_ipython(argv=[], user_ns=names, config=config)
