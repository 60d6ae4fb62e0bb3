"""The commands of the identity half."""
