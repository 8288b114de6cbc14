"""What is one's own: flags of conversations, stars, what one has hidden."""
