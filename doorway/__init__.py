"""Where both halves meet: the routes and the parts of commands that need the two. `app.py` alone imports it."""
