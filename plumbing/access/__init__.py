"""Who may call: API keys, paired screens, and the keys of tokens."""
