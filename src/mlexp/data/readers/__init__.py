"""Readers of data sets and of files, one a module."""
