"""What smgen tells people: networks, costs, advice, and checks against the definitions."""
