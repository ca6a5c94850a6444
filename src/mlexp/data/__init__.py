"""From files, packages and generators to arrays: reading, splitting and scaling."""
