"""What is known of a formula: its derivatives, and forms of it that hold to the ends of the dtype."""
