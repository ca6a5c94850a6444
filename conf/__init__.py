"""The YAML files of mlexp. One file is one choice; this line makes the folder findable once installed."""
