"""What leaves mlexp: program listings, folders of LaTeX and lab reports."""
