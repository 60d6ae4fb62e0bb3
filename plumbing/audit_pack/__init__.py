"""The audit pack: what an outside auditor asks for, in one folder."""
