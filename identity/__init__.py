"""The face matcher: a frame in, an opaque token out, nothing kept of anybody who did not ask for it."""
