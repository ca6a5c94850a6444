"""Which unstated settings explain the figures that somebody published?

`case.read` makes a `Case` of a YAML file: what is known, what was published, what is not stated and what it may have
been. `study.plan` makes jobs of it, `running.run` runs them in stages, cheap prefixes of the curves first, and
`analysis` says from the run folders how well each candidate explains all figures at once.
"""
