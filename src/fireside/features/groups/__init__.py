"""Groups: making them and looking after them."""
