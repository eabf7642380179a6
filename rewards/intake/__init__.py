"""What a caller hands in: columns, rows and completions, checked before anything runs."""
