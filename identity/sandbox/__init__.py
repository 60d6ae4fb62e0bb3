"""The separate, locked-down process that an engine pack runs in."""
