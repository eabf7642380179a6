"""Programs that try to get out, rows of data, and the trusted side that watches them try."""
