"""What leaves mlexp: a program listing that trains a run's model again without mlexp."""
