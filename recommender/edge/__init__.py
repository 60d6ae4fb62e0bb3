"""Between a store box and the centre: histories, catalogue and versions go there, events come back."""
