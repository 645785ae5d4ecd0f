"""One Triton process: settings, start, control, log, stop."""
