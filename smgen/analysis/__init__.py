"""Analyses, which change nothing: whether the recursion is exact, the work of a schedule, its storage, its barriers."""
