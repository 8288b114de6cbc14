"""The socket edge: transports, sessions, delivery, limits. A thin shell of I/O around `fireside.socketio`."""
