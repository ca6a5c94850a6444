"""What is said of a comparison: its answer, what stands beside it, and how the terminal shows both."""
