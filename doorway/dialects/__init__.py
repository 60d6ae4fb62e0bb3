"""Dialects: the APIs of other products, spoken for those who have their clients already. Off until switched on."""
