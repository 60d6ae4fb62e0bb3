"""Webhooks: what happened here, told to addresses that the tenant has named."""
