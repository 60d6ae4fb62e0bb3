"""The routes of the identity half."""
