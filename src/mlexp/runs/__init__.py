"""One run under way: its session, what a person sees of it, how it is stopped, what else follows it."""
