"""The service. `service.py` puts the parts together; start reading there."""
