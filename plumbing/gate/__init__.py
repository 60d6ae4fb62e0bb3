"""What stands in front of the application: heads, keys, bodies and lanes, before any thread is used."""
