"""What several services are made with."""
