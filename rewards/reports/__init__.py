"""What is told about a batch: numbers, table columns, and texts for people."""
