"""The synthetic town: customers, menu, habits and days."""
