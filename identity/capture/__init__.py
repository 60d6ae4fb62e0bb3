"""From checked frames to one face of good quality, embedded."""
