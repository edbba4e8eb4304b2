"""Measures what the project promises; `python -m benchmarks` runs it all. README.md says how to read the figures."""
