"""Engine.IO v4 and Socket.IO v5 without I/O: text and bytes in, packets out. Knows nothing of chat."""
