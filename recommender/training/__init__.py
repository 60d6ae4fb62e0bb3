"""Trains, checks and publishes versions; runs the schedule."""
