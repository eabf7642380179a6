"""Completions and notebooks whose end is known, graded while everything goes wrong that can.

The answer of a judge may be late or missing; it is never wrong, and no sandbox is left behind. `run.run_chaos` counts
what became of that; `killing.kill_in_the_middle` does so for a process that is killed on its way.
"""
