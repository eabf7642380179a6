"""The program that executes jobs inside a sandbox: standard library only, started as a process of its own."""
