"""Routes of the desk: its pages, what is edited there, and previews."""
