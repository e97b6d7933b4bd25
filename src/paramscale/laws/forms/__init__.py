"""Functional forms of laws: one file a form, which holds a function of the same name.

Its positional parameters are the inputs (``parameters``, ``tokens``, ...), its keyword-only
parameters are the coefficients; both are read from the signature. A law is a row of
``laws/data/laws.csv`` that names the form. A new form is one new file here and nothing else.
"""
