"""Attacks, power cuts, kills, full disks and overload against the real server.

`make endure` runs every trial in full and prints a table; `.ci/run` runs each in a short form. A trial is a module
with a function `rows(short)` that returns its figures; a figure beyond its limit fails the run.
"""
