"""What a receiver does with a message."""

from collections.abc import Awaitable, Callable

Take = Callable[[str, bytes, str | None], Awaitable[bool]]
"""Channel, content, and a key that the same message would come with again; on disk when it returns.

The answer is False where the channel had a message with this key already: then nothing was added.
"""
