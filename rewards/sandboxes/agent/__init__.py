"""The local sandbox on another machine: an agent that runs there, and what the host and it say to each other.

The host uploads `archive.runner_archive()`, runs `commands.setup_command` once and reads the `greeting` that it prints;
then each `commands.trip_command` carries a few jobs there and prints a line (`lines`) for each result. The machine
trusts the host; the host trusts no byte that comes back. Everything here is standard library only.
"""
