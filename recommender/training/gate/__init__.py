"""The gate: whether a new version may take the place of the live one, and the sentence that says why."""
