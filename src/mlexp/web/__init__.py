"""Runs in the browser: a small server on this machine that reads the outputs folder, and writes and starts nothing.

`guard` says who may ask, `places` which folder an address means, `listing`, `live`, `compared` and `builder` what a
page shows, `pages` how it looks, `app` which address shows what; `server` starts it.
"""
