"""What stands at the socket: who is let in, what the calls mean, and their description."""
