"""Consent: the notices, and the ledger of who agreed to what."""
