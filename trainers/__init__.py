"""Wiring onto TRL: datasets, factories, the training runs behind the scripts."""
