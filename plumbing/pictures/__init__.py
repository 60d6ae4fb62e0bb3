"""Pictures of things, made small for screens: what a house uploads of its dishes. No face comes here."""
