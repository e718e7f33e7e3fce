"""Benchmarks: `bin/bench NAME [--json]`. Ratios above 1 mean that we are better, whatever the unit."""
