"""Is A better than B? Arms times seeds through the sweep layer, then the test that the design asks for.

`study.plan` makes a `ComparisonStudy` of what ``mlexp task=...`` would compare; `running.announce` says what would run,
`running.run` runs it, `running.run_rest` what is left of one, `running.answered` analyses a folder
again, `past_runs.compare` takes runs and sweeps that are there already.
"""
