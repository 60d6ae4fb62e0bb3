"""The scenes: orders, offers, destinations. What each adds to the common engine, nothing shared twice."""
