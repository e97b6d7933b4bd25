"""Busbridge et al.: loss of a student, by the loss of its teacher."""

from __future__ import annotations

from paramscale.laws.forms._numbers import positive
from paramscale.typing import Floats, FloatsLike

__all__ = ["distillation"]


def distillation(
    parameters: FloatsLike,
    tokens: FloatsLike,
    teacher_loss: FloatsLike,
    student_loss: FloatsLike,
    *,
    A: float,
    alpha: float,
    B: float,
    beta: float,
    gamma: float,
    c0: float,
    c1: float,
    d1: float,
    f1: float,
) -> Floats:
    """Return the loss of a distilled student [nats per token].

    Parameters
    ----------
    parameters : float or array
        N of the student; broadcasts.
    tokens : float or array
        D that the student is trained on; broadcasts.
    teacher_loss : float or array
        L_T, loss of the teacher [nats per token]; broadcasts.
    student_loss : float or array
        L, loss that the student would have without a teacher; broadcasts.
    A, alpha, B, beta, gamma : float
        What size and data of the student do.
    c0, c1, d1, f1 : float
        What the gap between teacher and student does.

    Returns
    -------
    float or array
        NaN where an input is not positive, or is NaN.

    Notes
    -----
    Equation 8 of [1]_: ``L_T + L_T^-c0 (1 + (L_T / (L d1))^(1/f1))^(-c1 f1) (A / N^alpha + B /
    D^beta)^gamma``. No coefficients are shipped: none was verified. For fitting.

    References
    ----------
    .. [1] D. Busbridge et al. 2025, "Distillation scaling laws", arXiv:2502.08606.

    Examples
    --------
    >>> fit = dict(A=2e3, alpha=0.3, B=2e4, beta=0.6, gamma=0.8, c0=2.5, c1=500.0, d1=1.3, f1=0.1)
    >>> round(float(distillation(1e9, 1e11, 2.0, 2.4, **fit)), 4)
    2.2991
    """
    teacher, own = positive(teacher_loss), positive(student_loss)
    terms = A * positive(parameters) ** -alpha + B * positive(tokens) ** -beta
    gap = (1.0 + (teacher / (own * d1)) ** (1.0 / f1)) ** (-c1 * f1)
    loss: Floats = teacher + teacher**-c0 * gap * terms**gamma
    return loss
