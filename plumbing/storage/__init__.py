"""Files and databases: what lasts, what may be lost, and room on the disk."""
