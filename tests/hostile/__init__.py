"""Hostile uploads: small valid files of every format, spoilt in thousands of ways.

`make check-hostile` runs them all; tests/integration/test_hostile.py a part of them.
"""
