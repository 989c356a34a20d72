"""Fuzzing beside the suite: `python -m tests.fuzz.wire`, and `python -m tests.fuzz.coverage TARGET` where atheris is.

What they find becomes a row of `tests/hostile/requests.py` or a test of its own.
"""
