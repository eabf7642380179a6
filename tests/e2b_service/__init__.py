"""A stand-in for the E2B service: the real SDK talks to it over loopback; every fault of the real one can be asked for.

Its sandboxes are ordinary processes of this machine with a folder of their own: it isolates nothing.
"""
