"""What is told of a running server to those who watch it: metrics and traces. Nothing in here is asked by the rest."""
