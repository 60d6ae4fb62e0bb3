"""The audit log: written as a hash chain, sealed, and checked."""
