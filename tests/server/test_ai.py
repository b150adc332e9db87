"""What a chat in Jupyter AI asks and shows; and that none of it is loaded where Jupyter AI is not."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from first_jupyter_server import ai
from first_jupyter_server.ai import jupyternaut, words
from first_jupyter_server.ai.conversation import SYSTEM, Turn, conversation
from first_jupyter_server.ai.words import choices, context, waiting
from first_jupyter_server.federation.catalog import Catalog, Model, Place, State
from traitlets.config import Config

COLD = Place("lab", "local", "llama.cpp", State.COLD, "nobody has asked for it.")
LOADING = Place("lab", "local", "vllm", State.STARTING, "loading the weights", eta=12.4)
SLOW = replace(LOADING, eta=200)
HOT = Place("far", "globus-compute", "vllm", State.HOT)


def catalog(*places, abilities=("chat",)):
    model = Model("org/Small-1B", aliases=("small",), abilities=abilities, context=2048, places=places)
    return Catalog(models=(model,), current="org/Small-1B")


def told(*turns, limit=None):
    return [(message["role"], message["content"]) for message in conversation(turns, limit)[1:]]


def test_a_model_is_told_who_it_is_and_what_was_said():
    messages = conversation([Turn("Hello", "Ada"), Turn("Hi!"), Turn("2 + 2?", "Ada")], 2048)
    assert messages[0] == {"role": "system", "content": SYSTEM}
    assert [message["role"] for message in messages[1:]] == ["user", "assistant", "user"]


def test_people_are_named_where_there_are_several():
    assert told(Turn("Hello", "Ada"), Turn("Why?", "Grace")) == [("user", "Ada: Hello\n\nGrace: Why?")]
    assert told(Turn("Hello", "Ada"), Turn("Why?", "Ada")) == [("user", "Hello\n\nWhy?")]


def test_what_does_not_fit_is_forgotten_and_an_answer_never_comes_first():
    long = [Turn("a" * 3000, "Ada"), Turn("b" * 1000), Turn("c" * 3000, "Ada")]
    assert told(*long, limit=2048) == [("user", "c" * 3000)]
    assert len(told(*long, limit=8192)) == len(told(*long)) == 3


def test_a_question_is_asked_even_if_it_does_not_fit():
    assert told(Turn("c" * 99_999, "Ada"), limit=2048) == [("user", "c" * 99_999)]


def test_the_picker_follows_the_current_choice_or_names_a_model():
    follow, model = choices(catalog(HOT, COLD))
    assert (follow.id, follow.name) == ("default", "Small-1B (current choice)")
    assert model == ("org/Small-1B", "Small-1B", "org/Small-1B: hot on far, cold on lab")


def test_the_picker_leaves_out_what_cannot_chat_and_bears_an_empty_federation():
    assert len(choices(catalog(HOT, abilities=("embeddings",)))) == 1
    assert choices(Catalog())[0].name == "current choice"


@pytest.mark.parametrize(
    ("places", "name", "line"),
    [
        ((HOT, LOADING), "default", ""),
        ((COLD,), "default", "waits for Small-1B on lab: nobody has asked for it"),
        ((LOADING,), "small", "waits for Small-1B on lab: loading the weights, about 12 s left"),
        ((HOT, LOADING), "small@lab", "waits for Small-1B on lab: loading the weights, about 12 s left"),
        (
            (SLOW,),
            "small",
            "waits for Small-1B on lab: loading the weights, about 3 min left",
        ),
        ((HOT,), "no-such-model", ""),
    ],
)
def test_who_waits_is_told_for_what(places, name, line):
    assert waiting(catalog(*places), name) == line


def test_the_context_is_that_of_the_model_that_is_asked():
    assert context(catalog(HOT), "default") == 2048
    assert context(catalog(HOT), "no-such-model") is None


def test_who_sends_too_much_is_told_what_helps():
    too_long = "request (3666 tokens) exceeds the available context size (2048 tokens), try increasing it"
    assert words.refused(too_long) == f"{too_long}. Attach less, or choose a model with a longer context."
    assert words.refused("There is no model named 'x'.") == "There is no model named 'x'."


def test_jupyternaut_is_offered_the_current_choice_and_each_model_that_can_chat():
    offered = jupyternaut.entries(catalog(HOT))
    assert list(offered) == ["hosted_vllm/default", "hosted_vllm/org/Small-1B"]
    assert offered["hosted_vllm/org/Small-1B"]["max_input_tokens"] == 2048


def test_litellm_finds_the_data_plane_unless_somebody_named_a_server_of_their_own():
    environ = {}
    assert jupyternaut.lend(environ, "http://127.0.0.1:1/first/v1", "key")
    assert set(environ.values()) == {"http://127.0.0.1:1/first/v1", "key"}
    taken = {"HOSTED_VLLM_API_BASE": "http://gpu-box/v1"}
    assert not jupyternaut.lend(taken, "http://127.0.0.1:1/first/v1", "key")
    assert taken == {"HOSTED_VLLM_API_BASE": "http://gpu-box/v1"}


def test_what_a_site_has_chosen_stays():
    config = Config(
        PersonaManager={"default_persona_id": None},
        JupyternautExtension={"initial_language_model": "anthropic/claude"},
    )
    ai.prefer(config)
    assert config.PersonaManager.default_persona_id is None
    assert config.JupyternautExtension.initial_language_model == "anthropic/claude"


def test_where_jupyter_ai_is_not_the_extension_loads_nothing_for_it():
    code = (
        "import sys, first_jupyter_server.extension;"
        "ours = [name for name in sys.modules if name.startswith('first_jupyter_server.ai')];"
        "print(*ours, 'openai' in sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "first_jupyter_server.ai.persona" not in loaded.split()
    assert loaded.split()[-1] == "False"
