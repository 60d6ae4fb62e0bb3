"""The desk: pages for people who sign in, and the routes with which they do."""
