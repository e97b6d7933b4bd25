"""Laws of loss against size and data: forms in code, published fits in rows.

>>> from paramscale.laws import laws
>>> laws["besiroglu2024"](1e9, 2e10)
np.float64(2.529...)
"""

from paramscale.laws.form import Form, form_named, form_names
from paramscale.laws.law import Law
from paramscale.laws.published import laws

__all__ = ["Form", "Law", "form_named", "form_names", "laws"]
