"""`usual doctor`: what a server needs of its machine and its state folder, and what to do where it is missing."""
