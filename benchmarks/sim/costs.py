"""What an answer costs a replica: Llama 70B on one node of eight A100, as published.

* Between two tokens of one request pass 16 ms on an idle node: 1,000 prompts of ShareGPT against vLLM on
  Sophia's DGX A100 at one request a second took 2.99 s in the median for 181 tokens
  (argonne-lcf/FIRST, examples/load-testing/benchmark_summary.csv).
* A batch of 64 doubles that, and fills the memory (Splitwise, ISCA 2024, sections 3.3 and 3.4).
* Reading a prompt is bound by arithmetic and grows with its length (ibid., figure 5a): 2 x 70e9 operations
  for a token, at half of the eight GPUs' 312 Tflop/s each.
* A token in the cache takes 320 KiB (80 layers, 8 heads of 128, keys and values of 2 bytes), and what weights
  leave of 90 % of 640 GB holds 1.3 million of them.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Costs"]


@dataclass(frozen=True, slots=True)
class Costs:
    """What one replica of a kind of node takes.

    Parameters
    ----------
    between_tokens
        Seconds between two tokens of the only request.
    doubles_at
        Requests at once at which that has doubled.
    read
        Seconds to read one token of a prompt; one prompt is read at a time.
    fixed
        Seconds that a prompt takes besides.
    slots
        Requests at once.
    cache
        Tokens that the prefix cache holds.
    """

    between_tokens: float = 0.016
    doubles_at: float = 64.0
    read: float = 2 * 70e9 / (8 * 312e12 * 0.5)
    fixed: float = 0.02
    slots: int = 64
    cache: float = 1.3e6

    def faster(self, times: float) -> Costs:
        """Return a node that does everything so many times as fast."""
        return Costs(
            self.between_tokens / times,
            self.doubles_at,
            self.read / times,
            self.fixed / times,
            self.slots,
            self.cache,
        )

    def step(self, batch: int) -> float:
        """Return the seconds between two tokens of each request of a batch."""
        return self.between_tokens * (1.0 + batch / self.doubles_at)

    def rate(self, prompt: float, output: float) -> float:
        """Return the requests a second that a replica can answer at the most, its cache being of no use."""
        reads = self.fixed + self.read * prompt
        decodes = output * self.step(self.slots)
        return self.slots / (decodes + self.slots * reads)
