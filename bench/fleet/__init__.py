"""A fleet on paper and in simulation: a day of 20,000 terminals, what carries the load and what breaks first."""
