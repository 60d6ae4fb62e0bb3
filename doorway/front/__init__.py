"""What somebody meets who does not know the installation yet: its first page, and what every error code means."""
