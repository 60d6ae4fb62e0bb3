"""The languages of other systems: each dialect in a folder of its own, switched on for a tenant."""
