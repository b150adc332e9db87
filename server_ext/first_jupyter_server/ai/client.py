"""OpenAI's own client of the data plane, for the chats in this process. Slow to import: a thread's work."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any

import openai

from first_jupyter_server.errors import ApiError

__all__ = ["Client"]

LOST = (
    "The data plane stopped, and the answer ends here. It is started again by itself within a second or two: "
    "send the message again."
)


class Client:
    """Asks the data plane, and waits for as long as it takes.

    Parameters
    ----------
    base_url, key
        Where the data plane is, and what opens it.
    """

    def __init__(self, base_url: str, key: str) -> None:
        self._openai = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=key,
            timeout=openai.Timeout(None, connect=10),
            # A site's proxy must not get what is meant for this machine.
            http_client=openai.DefaultAsyncHttpxClient(trust_env=False),
        )

    async def answer(
        self, model: str, messages: Any, used: Callable[[Any], None]
    ) -> AsyncGenerator[str, None]:
        """Ask, and yield the answer's text as it comes.

        Parameters
        ----------
        model, messages
            As OpenAI's clients take them.
        used
            Called with the count of tokens, once the answer has ended.

        Raises
        ------
        ApiError
            With the server's own words, where there is no answer, or no more of it.
        """
        try:
            stream = await self._openai.chat.completions.create(
                model=model, messages=messages, stream=True, stream_options={"include_usage": True}
            )
            async with stream:
                async for chunk in stream:
                    if chunk.usage is not None:
                        used(chunk.usage)
                    if chunk.choices and (text := chunk.choices[0].delta.content):
                        yield text
        except openai.APIConnectionError as error:
            raise ApiError(502, LOST) from error
        except openai.APIError as error:
            body = error.body
            said = body.get("message") if isinstance(body, dict) else None
            raise ApiError(getattr(error, "status_code", 502), str(said or error)) from error

    async def close(self) -> None:
        """Close its connections."""
        await self._openai.close()
