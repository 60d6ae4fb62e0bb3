"""When a scene is trained: read from words or a cron line, said back in words, turned into moments."""
