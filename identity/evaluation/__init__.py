"""Measures recognition: identification, masks, groups, thresholds, conformance of packs."""
