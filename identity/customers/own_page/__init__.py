"""What customers can do for themselves on their own page."""
