"""Where pictures come from: a watched folder, a camera."""
