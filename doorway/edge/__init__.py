"""A store box and its centre: pairing, copies one way, events and opt-outs the other way."""
