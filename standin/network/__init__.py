"""What surrounds the platform: its name server, its encrypted front door, and a reference place on the internet."""
