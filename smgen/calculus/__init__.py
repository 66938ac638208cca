"""Formulas: their derivatives, and forms that compute them accurately in the whole range of a dtype."""
