"""A simulated year: what truly happened, what a daemon would have observed of it, and the record it would have left.

`course` draws the truth from a seed, `truth` adds it up, `observing` looks at it as the daemon does, `ledger` and
`recording` make of the observations what reports are made from: values, or rows of a store. Nothing here reads a clock.
"""
