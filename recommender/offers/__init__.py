"""Offers worth showing."""
