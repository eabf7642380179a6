"""The batch engine: units in, outcomes out, in time, whatever programs and sandboxes do."""
