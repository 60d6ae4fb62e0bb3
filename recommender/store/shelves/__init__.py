"""Where the versions of models lie: a folder of the home, or objects in a bucket behind the same protocol."""
