"""The rules that Prometheus evaluates: how they are made, and what promtool says of them."""
