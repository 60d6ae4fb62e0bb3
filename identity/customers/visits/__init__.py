"""What happens on a visit: the press, who it is, code and PIN, "not me", slow change of a face."""
