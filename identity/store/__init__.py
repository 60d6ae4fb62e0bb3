"""All SQL of the identity half."""
