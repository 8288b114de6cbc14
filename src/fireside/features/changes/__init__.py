"""What happens to messages after they were sent: edits, deletions, reactions, pins."""
