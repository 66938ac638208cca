"""What smgen's modules are measured against, and how: `smgen bench` and the programs in benchmarks/."""
