"""Square's webhooks of orders, payments and refunds: `docs/dialects/square.md`."""
