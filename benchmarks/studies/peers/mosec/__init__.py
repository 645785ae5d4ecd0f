"""The inspection behind mosec, a Rust front with Python workers."""
