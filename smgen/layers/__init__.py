"""What a user writes: one file a kind of layer, and what every kind states (`protocol`)."""
