"""People who work with the desk: users, roles, sessions, and the record of what they changed."""
