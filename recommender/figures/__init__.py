"""Figures by day: counted beside the requests, summed from the log, kept without pseudonyms."""
