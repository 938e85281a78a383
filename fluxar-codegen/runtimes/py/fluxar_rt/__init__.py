"""A fluxar peer for Python: calls, streams and topics, both ways, over one link."""
