"""The clients of the HTTP APIs the service calls, one file for each."""
