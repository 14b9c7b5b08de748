"""Reports as files: what the platform's interface is assumed to be, and how a file is read that nobody vouches for."""
