"""Messages: the log of a conversation, and sending into it."""
