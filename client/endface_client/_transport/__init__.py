"""Requests and replies between the client and a server over gRPC."""
