"""The aiohttp application: metrics, health, pages, API. It shows what the board holds and computes nothing itself."""

from monitor.web.app import listen, serve

__all__ = ["listen", "serve"]
