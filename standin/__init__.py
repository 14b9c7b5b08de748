"""A loopback Efento Cloud that speaks the real protocols and can be made to fail in every way a real one does."""
