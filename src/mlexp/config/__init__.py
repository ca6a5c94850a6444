"""Configurations: every key declared once, composed with Hydra, checked as a whole."""
