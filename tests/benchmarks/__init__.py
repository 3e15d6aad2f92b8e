"""Measurements, not tests: `python -m tests.benchmarks NAME ...` prints a table for each."""
