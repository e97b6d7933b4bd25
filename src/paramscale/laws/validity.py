"""The mapping of laws, and which of them claim to hold at a point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import numpy as np

from paramscale.core.registry import Registry
from paramscale.errors import UnknownNameError
from paramscale.laws.law import Law
from paramscale.laws.names import GIVES, INPUTS, domain_values
from paramscale.typing import Booleans, FloatsLike

__all__ = ["Laws", "Validity"]

#: What a law need not take, although the caller knows it: no claim hangs on it.
_FREE = frozenset({"flops"})


@attrs.frozen(eq=False, repr=False)
class Validity(Mapping[str, Booleans]):
    """Laws that hold at some point, best first, each with the mask of its points.

    Attributes
    ----------
    masks : mapping of str to bool or array of bool
        For each law that holds anywhere: where. Those that hold at most points come first, then
        those read in the authors' own files, then as they stand in the table.
    reasons : mapping of str to str
        For every other law that was asked: why not; and for a law that holds at some points only,
        which bounds the others leave.
    """

    masks: Mapping[str, Booleans]
    reasons: Mapping[str, str]

    def __getitem__(self, name: str) -> Booleans:
        if name in self.masks:
            return self.masks[name]
        raise UnknownNameError("law valid here", name, self.masks)

    def __iter__(self) -> Iterator[str]:
        return iter(self.masks)

    def __len__(self) -> int:
        return len(self.masks)

    def __repr__(self) -> str:
        held = [f"{name}: {_share(mask)}" for name, mask in self.masks.items()]
        left = [f"{name}: {why}" for name, why in self.reasons.items() if name not in self.masks]
        return "\n".join(["valid:", *held, "not valid:", *left])


def _share(mask: Booleans) -> str:
    return "yes" if np.all(mask) else f"{np.count_nonzero(mask)} of {np.size(mask)} points"


class Laws(Registry[Law]):
    """The laws by name, read-only for users; see :class:`paramscale.laws.Law`."""

    def valid_for(self, *, gives: str | None = "loss_nats", **point: FloatsLike) -> Validity:
        """Return which laws claim to hold at a point, best first, and why the others do not.

        Parameters
        ----------
        gives : str, optional
            What the laws shall give, a name of ``paramscale.laws.names.GIVES``; None asks all.
        **point : float or array
            What is known, by the names of ``paramscale.laws.names.INPUTS``: ``parameters`` (as
            each law counts them), ``tokens``, ``experts``, ...; they broadcast. From size and
            tokens follow the FLOPs, 6·N·D.

        Returns
        -------
        Validity
            A mapping of law to mask, with `reasons`. A law holds where every stated bound is
            kept; one that does not take an input that was given, or states no bounds, claims
            nothing. NaN lies outside.

        Examples
        --------
        >>> from paramscale.laws import laws
        >>> found = laws.valid_for(parameters=[1e9, 7e9], tokens=2e10)
        >>> list(found)[:2], found["sardana2023"]
        (['besiroglu2024', 'hoffmann2022_a3'], array([ True, False]))
        >>> found.reasons["clark2022_sbase"]
        'needs active_parameters, experts'
        """
        for name in point:
            if name not in INPUTS:
                raise UnknownNameError("input of laws", name, INPUTS)
        if gives is not None and gives not in {*GIVES, *(law.gives for law in self.values())}:
            raise UnknownNameError("result of laws", gives, GIVES)
        values = domain_values(point)
        masks: dict[str, Booleans] = {}
        reasons: dict[str, str] = {}
        for name, law in self.items():
            if gives is not None and law.gives != gives:
                continue
            reason = _refusal(law, point, values)
            if not reason:
                masks[name] = law.domain.inside(values)
                reason = law.domain.describe(values)
            if reason:
                reasons[name] = reason
        held = {name: mask for name, mask in masks.items() if np.any(mask)}
        order = sorted(held, key=lambda name: (-np.mean(held[name]), self[name].evidence))
        return Validity({name: held[name] for name in order}, reasons)


def _refusal(law: Law, point: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    """Return why a law says nothing about such a point at all, or the empty text."""
    known = {*point, *({"flops"} if "training_flops" in values else ())}
    if missing := [name for name in law.form.required if name not in known]:
        return f"needs {', '.join(missing)}"
    idle = [name for name in point if name not in law.inputs and name not in _FREE]
    if idle and (law.gives == "loss_nats" or not set(idle) <= {"parameters", "tokens"}):
        return f"takes no {', '.join(idle)}"
    if not law.domain.bounds:
        return "states no range"
    return ""
