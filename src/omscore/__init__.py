"""omscore: the domain core of order management, embeddable in any host."""
