"""Sums of power terms, their robust objective, gradient and exact Hessian, for many fits at once.

With ``z_k = a_k − γ_k·x_k`` and ``f = exp(e) + Σ exp(z_k)`` the residual of a run is
``r = log f − log L``. The shares ``p_k`` (of the floor and of each term in ``f``) give
``∂r/∂θ = g = Σ p_k·u_k`` with ``u_0 = 1``, ``u_k = (1, −x_k)``, and
``∂²r/∂θ² = Σ p_k·u_k·u_kᵀ − g·gᵀ``. So every sum that the Hessian needs is a matrix product of
weighted shares with fixed products of the x: no array of shape (fits, runs, 5, 5) is made.
"""

from __future__ import annotations

from itertools import combinations_with_replacement

import attrs
import numpy as np
import numpy.typing as npt

__all__ = ["Array", "Jet", "Objective"]

Array = npt.NDArray[np.float64]

_FAR = 700.0  # exp() of more than this overflows


@attrs.frozen(eq=False)
class Jet:
    """Value (rows,), gradient (rows, n) and Hessian (rows, n, n) at one point a row."""

    value: Array
    gradient: Array
    hessian: Array


@attrs.frozen(eq=False)
class Objective:
    """The objective of one set of runs; unknowns are ``(e, a_1, γ_1, a_2, γ_2, ...)``.

    Parameters
    ----------
    inputs : array, (terms, runs)
        Centred logarithms of what each power term is a power of.
    log_loss : array, (runs,)
        Logarithm of the measured loss.
    delta : float
        Where the Huber function turns from a parabola to a line; ``inf`` gives least squares.
    relative : bool
        Residual of log loss if true, of loss itself if false.
    pull : array, (n,), optional
        Prior on each unknown: ``½·pull·(θ − towards)²`` is added, with `towards` (rows, n) or
        (n,) handed to each call.

    Examples
    --------
    >>> x = np.log([[1.0, 2.0, 4.0, 8.0]])
    >>> objective = Objective(x, np.log(1.0 + np.exp(-0.5 * x[0])))
    >>> jet = objective.jet(np.array([[0.0, 0.0, 0.5]]), np.ones((1, 4)))
    >>> float(jet.value[0]), jet.hessian.shape
    (0.0, (1, 3, 3))
    """

    inputs: Array
    log_loss: Array
    delta: float = np.inf
    relative: bool = True
    pull: Array | None = None
    _bases: dict[tuple[int, int], Array] = attrs.field(init=False, repr=False)

    @_bases.default
    def _made(self) -> dict[tuple[int, int], Array]:
        """Return for each pair of terms the products of their u, flattened, (runs, n_k·n_l)."""
        ones = np.ones((1, self.inputs.shape[1]))
        vectors = [ones, *(np.vstack([ones, -x[None]]) for x in self.inputs)]
        return {
            (k, m): np.ascontiguousarray(
                (vectors[k][:, None, :] * vectors[m][None, :, :]).reshape(-1, ones.shape[1]).T
            )
            for k, m in combinations_with_replacement(range(len(vectors)), 2)
        }

    @property
    def size(self) -> int:
        """Number of unknowns."""
        return 1 + 2 * len(self.inputs)

    def slices(self) -> list[slice]:
        """Return where the unknowns of the floor and of each term stand."""
        return [slice(0, 1), *(slice(1 + 2 * k, 3 + 2 * k) for k in range(len(self.inputs)))]

    def shares(self, theta: Array) -> tuple[list[Array], Array]:
        """Return the floor and the terms (rows, runs), and their sum."""
        parts = [np.exp(np.minimum(theta[:, :1], _FAR))]
        total = parts[0]
        for k, x in enumerate(self.inputs):
            z = theta[:, 2 + 2 * k, None] * -x
            z += theta[:, 1 + 2 * k, None]
            parts.append(np.exp(np.minimum(z, _FAR, out=z), out=z))
            total = total + z
        return parts, total

    def residual(self, theta: Array) -> Array:
        """Return the residuals (rows, runs)."""
        _, total = self.shares(theta)
        return np.log(total) - self.log_loss if self.relative else total - np.exp(self.log_loss)

    def jet(self, theta: Array, weights: Array, towards: Array | None = None) -> Jet:
        """Return value, gradient and exact Hessian of each row."""
        parts, total = self.shares(theta)
        if self.relative:
            residual = np.log(total)
            residual -= self.log_loss
            inverse = np.reciprocal(total, out=total)
            parts = [part * inverse for part in parts]
        else:
            residual = total - np.exp(self.log_loss)
            parts[0] = np.broadcast_to(parts[0], total.shape)
        psi = np.clip(residual, -self.delta, self.delta)
        slope = weights * psi
        curve = np.where(psi == residual, weights, 0.0)
        residual -= 0.5 * psi
        value = np.einsum("rp,rp->r", slope, residual)
        if self.relative:
            curve -= slope
        gradient, hessian = self._sums(parts, slope, curve)
        if self.pull is not None and towards is not None:
            away = theta - towards
            value = value + 0.5 * (away**2 @ self.pull)
            gradient += self.pull * away
            hessian += np.diag(self.pull)
        return Jet(value, gradient, hessian)

    def _sums(self, parts: list[Array], slope: Array, curve: Array) -> tuple[Array, Array]:
        """Return gradient and Hessian of the sum over runs."""
        rows = len(slope)
        gradient, hessian = np.empty((rows, self.size)), np.empty((rows, self.size, self.size))
        places = self.slices()
        for k, at in enumerate(places):
            width = at.stop - at.start
            sloped, curved = slope * parts[k], curve * parts[k]
            gradient[:, at] = sloped @ self._bases[0, k]
            for m in range(k, len(places)):
                there = places[m]
                block = (curved * parts[m]) @ self._bases[k, m]
                if k == m:
                    block += sloped @ self._bases[k, k]
                block = block.reshape(rows, width, -1)
                hessian[:, at, there] = block
                hessian[:, there, at] = block.transpose(0, 2, 1)
        return gradient, hessian
