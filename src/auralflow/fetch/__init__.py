"""Files from the network, each fetched once; the only room that opens it."""
