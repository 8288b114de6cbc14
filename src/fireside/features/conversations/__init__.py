"""Conversations: who talks with whom."""
