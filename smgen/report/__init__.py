"""Reports for people: networks, costs, advice, and checks against the definitions."""
