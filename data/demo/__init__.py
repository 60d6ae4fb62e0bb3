"""The demo and the month of offers: they drive the real server."""
