"""A production line under study: machines that fall ill, stations that work on, and the books of what came."""
