"""Every error that paramscale raises on purpose, and the one place where their texts are built.

A text says what was wrong and with which value, what is allowed, and what to write instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = [
    "ConfigError",
    "CycleError",
    "DomainWarning",
    "FileFormatError",
    "FitError",
    "IdentifiabilityWarning",
    "IgnoredFieldWarning",
    "InfeasibleError",
    "MissingInputError",
    "ParamscaleError",
    "PluginWarning",
    "RegistrationError",
    "SpecError",
    "SweepFileError",
    "UnknownNameError",
    "UnsupportedArchitectureError",
    "did_you_mean",
    "plain_number",
]


def did_you_mean(name: object, known: Iterable[str], most: int = 3) -> str:
    """Return ``"; did you mean 'x' or 'y'?"``, or the empty string when nothing is near.

    Parameters
    ----------
    name : object
        What was written; compared as text, case ignored.
    known : iterable of str
        The names that exist.
    most : int
        How many proposals to give.

    Examples
    --------
    >>> did_you_mean("h100-sxn", ["h100-sxm", "a100-sxm-80gb"])
    "; did you mean 'h100-sxm'?"
    """
    import difflib

    least = len(str(name)) / 2  # half of a word is no slip of the hand
    by_folded = {key.lower(): key for key in known if len(key) > least}
    near = difflib.get_close_matches(str(name).lower(), by_folded, n=most, cutoff=0.6)
    if not near:
        return ""
    return "; did you mean " + " or ".join(repr(by_folded[key]) for key in near) + "?"


def plain_number(value: object) -> str:
    """Return a number as a person writes it: whole ones without decimals, thousands apart.

    Examples
    --------
    >>> plain_number(131072.0), plain_number(0.5), plain_number(-0.0), plain_number(float("nan"))
    ('131,072', '0.5', '0', 'nan')
    """
    number = float(value)  # type: ignore[arg-type]
    whole = abs(number) < 1e15 and number == round(number)
    return f"{round(number):,}" if whole else repr(number)


class ParamscaleError(Exception):
    """Base of all errors that paramscale raises on purpose."""


class SpecError(ParamscaleError, ValueError):
    """A field of a spec holds a value that has no meaning."""


class SweepFileError(ParamscaleError, OSError):
    """A sweep could not be written to its file; what is complete in it stays readable."""


class UnknownNameError(ParamscaleError, KeyError):
    """A name is not in a catalogue or registry."""

    def __init__(self, kind: str, name: object, known: Iterable[str]) -> None:
        known = sorted(known)
        listed = ", ".join(known[:8]) + (f", … ({len(known)} in all)" if len(known) > 8 else "")
        hint = did_you_mean(name, known)
        self.text = f"no {kind} is called {name!r}{hint or '.'} Known: {listed or 'none'}"
        super().__init__(self.text)

    def __str__(self) -> str:  # KeyError shows the repr of its argument, which quotes the text
        return self.text


class RegistrationError(ParamscaleError, TypeError):
    """An estimator, block, law or quantity cannot be registered as it stands."""


class MissingInputError(ParamscaleError, ValueError):
    """A wanted quantity needs a spec or a quantity that the scenario does not give."""


class CycleError(ParamscaleError, ValueError):
    """Estimators need each other in a circle."""


class ConfigError(ParamscaleError, ValueError):
    """A field of a configuration file is missing, unknown, contradictory or out of range."""

    def __init__(self, text: str, *, field: str | None = None, value: object = None) -> None:
        super().__init__(text)
        self.field = field
        self.value = value


class UnsupportedArchitectureError(ParamscaleError, NotImplementedError):
    """A configuration describes an architecture, or uses a field, that is not modelled.

    It is refused rather than guessed. ``model_type`` and ``field`` say what was met.
    """

    def __init__(self, text: str, *, model_type: str | None, field: str) -> None:
        super().__init__(text)
        self.model_type = model_type
        self.field = field


class FileFormatError(ParamscaleError, ValueError):
    """A file is not what its format promises: truncated, oversized, or inconsistent."""


class FitError(ParamscaleError, ValueError):
    """Runs cannot be fitted: a bad number, too few of them, or a coefficient they do not determine.

    ``coefficients`` names those that the runs leave open.
    """

    def __init__(self, text: str, *, coefficients: Iterable[str] = ()) -> None:
        super().__init__(text)
        self.coefficients = tuple(coefficients)


class InfeasibleError(ParamscaleError, ValueError):
    """No point that was searched holds all limits.

    ``limits`` names those that no point holds, alone or together; ``closest`` is the point that
    misses them least, by field.
    """

    def __init__(
        self, text: str, *, limits: Iterable[str] = (), closest: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(text)
        self.limits = tuple(limits)
        self.closest = dict(closest or {})


class IdentifiabilityWarning(UserWarning):
    """Runs hardly determine a coefficient; what comes out for it rests on a prior or on noise."""


class DomainWarning(UserWarning):
    """A question lies outside the range in which a law or calibration was fitted."""


class IgnoredFieldWarning(UserWarning):
    """A configuration field was read by nobody."""


class PluginWarning(UserWarning):
    """A third party's plugin could not be loaded; everything else works."""
