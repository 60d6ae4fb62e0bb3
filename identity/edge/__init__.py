"""Copies of a site's customers for a paired store box: made at the centre, kept at the box."""
