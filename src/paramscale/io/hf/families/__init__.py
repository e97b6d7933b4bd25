"""One file a family: each turns the fields of a configuration into blocks.

A function is registered for its model types with ``@family("type", ...)`` and found without a list.
"""
