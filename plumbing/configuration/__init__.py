"""The settings file, where each setting comes from, and the page that lists them all."""
