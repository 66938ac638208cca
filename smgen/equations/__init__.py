"""Prints schedules, as the equations of mathematics and as text."""
