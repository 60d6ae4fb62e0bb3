"""Evaluates and applies offer policies on tables of a public experiment."""
