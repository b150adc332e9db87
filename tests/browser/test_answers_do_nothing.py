"""An answer does nothing in JupyterLab's page, where Jupyter itself would let the same text act."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from lab import EMPTY_NOTEBOOK, _free_port, running_lab

pytestmark = pytest.mark.browser

PARROT = Path(__file__).parents[1] / "integration" / "campus.py"
ANSWER = """It is *done*.

<img src=x onerror="(window.acted ??= []).push('picture')">

```html
<b onclick=x>bold</b>
```

1. `<script>` and

   ```c
   #include <stdio.h>
   ```"""


def code(source):
    return {**EMPTY_NOTEBOOK["cells"][0], "id": f"cell{len(source)}", "source": source}


@pytest.fixture
def notebook(tmp_path):
    """A notebook that asks a server which says each prompt again, and shows the same text by itself."""
    port = _free_port()
    parrot = subprocess.Popen([sys.executable, PARROT, str(port), "4", "1"])
    section = {"kind": "openai", "url": f"http://127.0.0.1:{port}/v1", "models": [{"id": "campus/parrot"}]}
    file = tmp_path / "first.yaml"
    file.write_text(json.dumps({"clusters": {"campus": section}}))
    ask = f"get_ipython().run_cell_magic('first', '--no-stream --verbatim', {ANSWER!r})"
    show = f"from IPython.display import Markdown\nMarkdown({ANSWER!r})"
    with running_lab(tmp_path, f"--FirstApp.federation_file={file}") as lab:
        cells = [code(f"%load_ext first_jupyter\n{ask}"), code(show)]
        (lab.root / "harm.ipynb").write_text(json.dumps({**EMPTY_NOTEBOOK, "cells": cells}))
        yield lab.address("lab/tree/harm.ipynb")
    parrot.kill()
    parrot.wait()


def test_an_answer_runs_nothing_and_reads_as_it_was_written(notebook, drive):
    seen = drive("harmless.mjs", notebook)
    assert seen["jupyter"] == ["picture"]
    assert (seen["answer"], seen["tags"]) == ([], 0)
    assert "<img src=x onerror=" in seen["text"]
    assert [code.strip() for code in seen["code"]] == [
        "<b onclick=x>bold</b>",
        "<script>",
        "#include <stdio.h>",
    ]
