"""All of one's conversations: the list, and catching up."""
