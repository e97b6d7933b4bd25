"""Catalogues: packaged tables of machines, formats, models and sites, one row an item.

A catalogue is a read-only mapping from a name to a spec, read at the first look-up. A new item is
one row of a file in ``data/``; nothing else has to be edited.
"""
