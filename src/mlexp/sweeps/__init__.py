"""Many runs at once: plan them, run them on worker processes, collect what they found.

`planning.plan` makes a `Plan` of what ``mlexp -m`` would run, `planning.planned` one of configurations at hand;
`conductor.run` runs it, `conductor.resume` resumes one that was stopped or killed. Both return an `Outcome`, and are
handed the `worker`: what runs a unit of jobs.
"""
