"""The aiohttp application: metrics, health, pages, API."""
