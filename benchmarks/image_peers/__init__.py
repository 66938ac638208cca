"""Programs of the peers of benchmarks/images.py. Each is run by smgen/bench/worker.py and imports nothing of smgen."""
