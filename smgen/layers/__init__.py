"""The layers that users write: one file for each kind, and `protocol`, which says what a kind must state."""
