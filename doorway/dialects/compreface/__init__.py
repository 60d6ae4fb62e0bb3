"""CompreFace's recognition routes, as far as the promises to customers allow them."""
