"""The MQTT broker that sensors publish to."""
