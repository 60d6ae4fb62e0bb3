"""`usual move`: the state of an installation from SQLite to PostgreSQL, and back."""
