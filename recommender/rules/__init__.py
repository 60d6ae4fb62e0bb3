"""The house's rules for what screens show: pin, hide, limit, allergens, one sponsored place. Pure."""
