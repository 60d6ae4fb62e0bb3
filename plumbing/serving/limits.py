"""What a server takes in at most, whichever one serves."""

HEAD_S = 15
"""Seconds for the head of a request to arrive; an idle connection is closed after as long."""

MOST_HEAD_BYTES = 64 * 1024
MOST_CONNECTIONS = 4096  # of each process
