"""Films made larger: frames here, containers beside them."""
