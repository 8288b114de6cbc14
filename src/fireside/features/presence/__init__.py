"""Who is there, and who is typing."""
