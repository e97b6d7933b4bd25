"""Move a law to the level of other data, through runs whose loss is known."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from paramscale.errors import RegistrationError, SpecError
from paramscale.laws.law import Law
from paramscale.typing import FloatsLike

__all__ = ["anchor"]


def anchor(
    law: Law, parameters: FloatsLike, tokens: FloatsLike, loss: FloatsLike, **others: Any
) -> Law:
    """Return a law re-fitted in its irreducible term E only, through known losses.

    Levels of loss do not carry over to other data and tokenizers (10 to 30 %), the terms of size
    and data do better. With several runs E is the mean that each asks for, which is the
    least-squares fit.

    Parameters
    ----------
    law : Law
        A law of loss with an additive constant E.
    parameters, tokens : float or array
        Size, as the law counts it, and tokens of the known runs; they broadcast.
    loss : float or array
        Their losses [`loss_unit` of the law].
    **others : float or array
        Further inputs of the law.

    Returns
    -------
    Law
        Of the same form and domain; its `evidence` and `note` record the runs. It has no published
        scatter, so no interval.

    Raises
    ------
    SpecError
        If a number is not positive and finite, or the law's reducible part alone exceeds the loss.
    RegistrationError
        If the law gives no loss or has no irreducible term.

    Examples
    --------
    >>> from paramscale.laws import laws
    >>> mine = anchor(laws["besiroglu2024"], 7e9, 2e12, 1.75)
    >>> round(float(mine(7e9, 2e12)), 12), round(mine.coefficients["E"], 4)
    (1.75, 1.5026)
    """
    if law.gives != "loss_nats" or "E" not in law.coefficients:
        raise RegistrationError(
            f"law {law.law_id!r} of form {law.form.name!r} has no irreducible loss E to anchor; "
            f"it gives {law.gives} by {', '.join(law.coefficients)}"
        )
    # sizes count as the law does, under the name that its form has for them
    size = "active_parameters" if "active_parameters" in law.inputs else "parameters"
    inputs = {size: parameters, "tokens": tokens, **others}
    for name, value in {**inputs, "loss": loss}.items():
        _refuse_odd(name, value)
    wanted = np.asarray(loss, dtype=np.float64)
    floor = law.coefficients["E"]
    asked = np.atleast_1d(wanted - (law(**inputs) - floor))
    _refuse_impossible(law, asked, np.atleast_1d(np.broadcast_to(wanted, asked.shape)))
    level = float(np.mean(asked))
    where = _where(parameters, tokens, wanted, asked)
    return attrs.evolve(
        law,
        law_id=f"{law.law_id}_anchored",
        coefficients={**law.coefficients, "E": level},
        standard_errors={k: v for k, v in law.standard_errors.items() if k != "E"},
        intervals_95={k: v for k, v in law.intervals_95.items() if k != "E"},
        mean_absolute_log_residual=np.nan,
        data=f"anchored; the terms are those of: {law.data}",
        evidence=f"anchored ({law.evidence})",
        note=f"E = {level:.6g} in place of {floor:.6g}, through {where}; {law.note}".rstrip("; "),
    )


def _refuse_odd(name: str, value: Any) -> None:
    numbers = np.asarray(value, dtype=np.float64)
    good = np.isfinite(numbers) & ((numbers > 0.0) | (name == "sparsity"))
    if not np.all(good):
        bad = numbers[~good].ravel()[0] if numbers.ndim else numbers
        raise SpecError(f"anchor: {name} must be positive and finite, not {float(bad)!r}")


def _refuse_impossible(law: Law, asked: Any, wanted: Any) -> None:
    """Refuse losses that lie below what the law adds to its floor."""
    if np.any(np.isnan(asked)):
        raise SpecError(f"anchor: law {law.law_id!r} gives no number at these inputs")
    if np.any(asked < 0.0):
        worst = int(np.argmin(asked))
        loss = float(wanted.ravel()[worst])
        raise SpecError(
            f"anchor: a loss of {loss:.6g} lies below the reducible part of law {law.law_id!r} "
            f"there, {loss - float(asked.ravel()[worst]):.6g}; no irreducible loss fits. Look at "
            "the unit of the loss (nats per token), the count of the parameters, or take a law "
            "that was fitted nearer to this point"
        )


def _where(parameters: Any, tokens: Any, loss: Any, asked: Any) -> str:
    if asked.size == 1:
        size, data, value = (float(np.ravel(each)[0]) for each in (parameters, tokens, loss))
        return f"a loss of {value:.6g} at {size:.4g} parameters and {data:.4g} tokens"
    return f"{asked.size} runs, which ask for {np.min(asked):.6g} to {np.max(asked):.6g}"
