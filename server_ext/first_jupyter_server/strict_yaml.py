"""YAML in which no key may stand twice: PyYAML takes the last one without a word."""

from __future__ import annotations

from typing import Any

import yaml
from yaml.composer import ComposerError

__all__ = ["load"]

MERGE = "tag:yaml.org,2002:merge"


class _Loader(yaml.SafeLoader):
    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Compose a mapping, and look at its keys before others are merged into it."""
        node = super().compose_mapping_node(anchor)
        seen: dict[tuple[str, str], yaml.ScalarNode] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == MERGE:
                continue
            first = seen.setdefault((key.tag, key.value), key)
            if first is not key:
                line = first.start_mark.line + 1
                problem = f"the key '{key.value}' stands in line {line} already; rename one, or take it out"
                raise ComposerError(None, None, problem, key.start_mark)
        return node


def load(text: str) -> Any:
    """Read YAML as ``yaml.safe_load`` does.

    Raises
    ------
    YAMLError
        Where it is none; also where a mapping has a key twice.
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506  # it is a safe loader
    except RecursionError:
        raise yaml.YAMLError("it is nested too deeply") from None
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        # What PyYAML says of a value that looks like a date or a number, and is none.
        raise yaml.YAMLError(f"a value cannot be read ({error}); put it in quotes") from None
