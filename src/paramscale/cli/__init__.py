"""The command ``paramscale``. Each command is one file of ``cli/commands``.

Nothing heavy is imported before a command runs, so that help comes at once.
"""

from paramscale.cli.run import main

__all__ = ["main"]
