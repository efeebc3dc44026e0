"""How near Kaksha is to the limit of its stack: `make bench`. Never imported by the server."""
