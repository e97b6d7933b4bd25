"""How weights in a number format usually came there, where nothing more is said of them.

A format says how numbers are held, not how they were chosen. Names tell it (``"awq-int4-g128"`` has
the layout of GPTQ), and else the kind of layout: integer groups are rounded by GPTQ, ternary
weights are trained as such, and plain blocks are rounded to nearest.
"""

from __future__ import annotations

from paramscale.catalogue.formats import Format

__all__ = ["usual_method"]

#: Methods by what the name of a format begins with, then by its kind of layout.
_BY_NAME = {
    "awq": "awq", "gptq": "gptq", "fp8": "fp8", "float8": "fp8", "int8": "int8", "nf4": "nf4",
    "bnb": "nf4", "qlora": "nf4", "i2_s": "qat",
}  # fmt: skip
_BY_FAMILY = {
    "fp8": "fp8", "integer": "int8", "microscaling": "fp4", "bitsandbytes": "nf4",
    "integer group": "gptq", "GGUF block": "gguf", "ternary": "qat",
    "additive codebook": "codebook", "lattice codebook": "codebook",
    "trellis codebook": "codebook", "vector codebook": "codebook",
}  # fmt: skip


def usual_method(form: Format, name: str = "") -> str:
    """Return the method by which weights are usually brought into a format.

    Parameters
    ----------
    form : Format
        The format.
    name : str
        How it was called, where that says more than the format: AWQ's is an alias of GPTQ's.

    Examples
    --------
    >>> from paramscale.catalogue.formats import formats
    >>> form = formats["gptq-int4-g128"]
    >>> usual_method(form), usual_method(form, "awq-int4-g128"), usual_method(formats["i2_s"])
    ('gptq', 'awq', 'qat')
    """
    called = (name or form.name).lower()
    for start, method in _BY_NAME.items():
        if called.startswith(start):
            return method
    return _BY_FAMILY.get(form.family, "rtn")
