"""What the words of a command line mean: counts such as ``15T``, and ``name=value``."""

from __future__ import annotations

import argparse
import math
import re
from typing import Any

__all__ = ["count", "limit", "names", "over", "pair", "tokens"]

_SUFFIXES = {"k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9, "t": 1e12}


def count(text: str) -> float:
    """Return a number written as ``15e12``, ``15T``, ``4_096`` or ``128k``.

    K, M, B (or G) and T are powers of 1000, in either case. What the number may be is checked by
    the spec that takes it.

    Examples
    --------
    >>> count("15T") == count("15e12") == 15e12
    True
    >>> count("2048"), count("128k")
    (2048.0, 128000.0)
    """
    plain = text.strip().replace("_", "").replace(",", "")
    factor = _SUFFIXES.get(plain[-1:].lower(), 1.0)
    digits = plain if factor == 1.0 else plain[:-1]
    try:
        number = float(digits)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number; write 15e12, 15T, 4M, 128k or 2048"
        ) from None
    number *= factor
    whole = round(number) if math.isfinite(number) else number
    # 1.1 x 1e12 is not a whole number in floating point, and 1.1T means one
    return float(whole) if factor > 1.0 and math.isclose(number, whole) else number


def names(text: str) -> tuple[str, ...]:
    """Return the names of a list with commas between them.

    Examples
    --------
    >>> names("ttft_s, tpot_s")
    ('ttft_s', 'tpot_s')
    """
    found = tuple(name.strip() for name in text.split(",") if name.strip())
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} names nothing; write ttft_s,tpot_s")
    return found


def pair(text: str) -> tuple[str, str]:
    """Return the two sides of ``quantity=estimator``.

    Examples
    --------
    >>> pair("loss_nats=besiroglu2024")
    ('loss_nats', 'besiroglu2024')
    """
    left, sign, right = (part.strip() for part in text.partition("="))
    if not (left and sign and right):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not quantity=estimator; write loss_nats=besiroglu2024"
        )
    return left, right


def tokens(text: str) -> float | str:
    """Return a number of tokens, or ``"20x"``: so many for each parameter.

    Examples
    --------
    >>> tokens("15T"), tokens("20x")
    (15000000000000.0, '20x')
    """
    return text if text.strip().lower().endswith("x") else count(text)


def over(text: str) -> tuple[str, Any]:
    """Return a path and what it may be: a range ``low:high``, a factor ``x2``, or values.

    Examples
    --------
    >>> over("model.parameters=1B:100B"), over("serving.batch=1,8")
    (('model.parameters', (1000000000.0, 100000000000.0)), ('serving.batch', [1.0, 8.0]))
    >>> over("hardware=h100-sxm,b200"), over("training.tokens=x2")
    (('hardware', ['h100-sxm', 'b200']), ('training.tokens', 2.0))
    """
    path, sign, given = (part.strip() for part in text.partition("="))
    if not (path and sign and given):
        raise argparse.ArgumentTypeError(
            f"{text!r} says no values; write model.parameters=1B:100B (a range),"
            " serving.batch=1,8,64 or hardware=h100-sxm,b200 (values)"
        )
    ends = given.split(":")
    if len(ends) == 2 and all(map(_is_count, ends)):
        return path, (count(ends[0]), count(ends[1]))
    if given[0] == "x" and _is_count(given[1:]):
        return path, count(given[1:])
    words = names(given)
    return path, [count(each) for each in words] if all(map(_is_count, words)) else list(words)


def _is_count(text: str) -> bool:
    try:
        count(text)
    except argparse.ArgumentTypeError:
        return False
    return True


def limit(text: str) -> tuple[str, str | float]:
    """Return quantity and limit of ``quantity=limit``, ``<=`` or ``>=``.

    Examples
    --------
    >>> limit("tpot_s=30 ms"), limit("mmlu_fraction >= 0.7"), limit("cost<=1M")
    (('tpot_s', '30 ms'), ('mmlu_fraction', '>= 0.7'), ('cost', '<= 1000000.0'))
    """
    found = re.fullmatch(r"\s*(\w+)\s*(<=|>=|=)\s*(\S.*?)\s*", text)
    if found is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no limit; write tpot_s=0.03, 'tpot_s<=30 ms' or 'mmlu_fraction>=0.7'"
        )
    name, sign, given = found.groups()
    try:
        number = f"{count(given)}"
    except argparse.ArgumentTypeError:  # it has a unit
        number = given
    return name, number if sign == "=" else f"{sign} {number}"
