"""The helper on a kiosk's own computer."""
