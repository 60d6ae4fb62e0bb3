"""Webhooks: what happened here, sent to addresses that the tenant has named."""
