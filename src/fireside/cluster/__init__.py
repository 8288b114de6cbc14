"""Many processes, one service: what goes between them, over Valkey."""
