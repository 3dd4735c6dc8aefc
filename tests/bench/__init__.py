"""Measurements: `make bench` runs them and prints what they find; no test is timed."""
