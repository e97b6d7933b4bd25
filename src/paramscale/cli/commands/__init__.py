"""One file a command; a new file here is a new command, with no list to edit.

Each file has ``NAME``, ``HELP``, ``add_arguments(parser)`` and ``run(arguments) -> int``. It is
imported whenever help is shown, so it imports what it computes with inside its functions.
"""
