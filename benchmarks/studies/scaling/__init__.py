"""How throughput grows with instances, cores and servers: measured on this machine, and on paper for larger ones."""
