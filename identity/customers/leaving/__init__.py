"""How a customer leaves: opting out, erasure and its receipt, retention."""
