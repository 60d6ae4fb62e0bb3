"""Favourite orders fitted part by part: the same bytes as from one table of everything.

Counts are whole numbers and add up in any order. What sums 32-bit numbers is summed in the order of the customers.
"""
