import pytest

from first_jupyter import FirstError


def test_the_bare_magic_tells_the_status(shell, wire):
    for line in ("%first", "%first status"):
        said = shell.cell(line).plain
        assert said == f"smollm2 on local: ready\nserver: {wire.base_url} (found by environment)"


def test_models_are_listed_with_their_states_and_the_choice(shell):
    seen = shell.cell("%first models")
    assert "| ✓ | smollm2 |" in seen.markdown
    assert "| llama | meta-llama/Llama-3.3-70B-Instruct | polaris | cold (no node yet) |" in seen.markdown
    assert "smollm2" in seen.plain


def test_no_model_at_all_is_explained(shell, wire):
    wire.catalog = {"current": None, "models": []}
    assert "%first status" in shell.cell("%first models").plain
    assert "no model is chosen" in shell.cell("%first").plain


def test_a_choice_is_made_for_all_and_wins_over_this_kernel_s_default(shell, wire):
    shell.cell("%config First.model = 'smollm2'")
    assert shell.cell("%first use llama").plain == "Current model: meta-llama/Llama-3.3-70B-Instruct"
    assert wire.catalog["current"] == "meta-llama/Llama-3.3-70B-Instruct"
    shell.cell("%%first\nHi")
    assert wire.asked[0]["model"] == "default"


def test_a_model_that_is_not_there_is_refused_in_the_server_s_words(shell):
    assert str(shell.cell("%first use lama").error) == "There is no model 'lama'; near: smollm2."


def test_start_and_stop_say_how_far_the_model_is(shell, wire):
    assert shell.cell("%first start smollm2@local").plain == "smollm2 on local: loading, about 3 s left"
    assert shell.cell("%first stop").plain == "smollm2 on local: draining"
    sent = [(route, body) for _, route, body in wire.calls if body]
    assert sent == [
        ("api/models/start", {"model": "smollm2", "cluster": "local"}),
        ("api/models/stop", {"model": "HuggingFaceTB/SmolLM2-135M-Instruct"}),
    ]


def test_chats_are_listed_and_forgotten(shell):
    assert "No conversation yet" in shell.cell("%first chats").plain
    shell.cell("%%first\nOne")
    shell.cell("%%first --chat other\nA long question\nof two lines")
    assert "| other | 1 | A long question |" in shell.cell("%first chats").markdown
    assert shell.cell("%first reset other").plain == "Forgot other."
    assert "other" not in shell.cell("%first chats").plain
    assert shell.cell("%first reset").plain == "Forgot all conversations."
    assert isinstance(shell.cell("%first reset nothing").error, FirstError)


def test_fix_explains_the_last_error_and_proposes_a_cell(shell, wire):
    shell.cell("total = {1: 2}\ntotal[3]")
    wire.says("The key is missing.\n", "```python\ntotal.get(3)\n```")
    seen = shell.cell("%first fix")
    sent = wire.asked[0]["messages"][-1]["content"]
    assert "total = {1: 2}\ntotal[3]" in sent
    assert "KeyError: 3" in sent
    assert seen.markdown.startswith("The key is missing.")
    assert shell.rl_next_input == "total.get(3)"


def test_a_fix_belongs_to_no_chat(shell, wire):
    shell.cell("1 / 0")
    shell.cell("%first fix llama")
    assert wire.asked[0]["model"] == "llama"
    assert "No conversation yet" in shell.cell("%first chats").plain


def test_a_fix_can_be_asked_of_any_cell_that_failed(shell, wire):
    shell.cell("1 / 0")
    failed = shell.execution_count - 1
    shell.cell("{}['later']")
    shell.cell(f"%first fix llama --cell {failed}")
    asked = wire.asked[0]
    assert asked["model"] == "llama"
    assert "ZeroDivisionError" in asked["messages"][-1]["content"]
    assert "later" not in asked["messages"][-1]["content"]


def test_a_cell_that_did_not_fail_is_not_fixed(shell, wire):
    shell.cell("1 / 0")
    shell.cell("fine = 1")
    fine = shell.execution_count - 1
    assert f"Cell {fine} did not fail" in str(shell.cell(f"%first fix --cell {fine}").error)
    assert "takes a cell's number, not x" in str(shell.cell("%first fix --cell x").error)
    assert wire.asked == []


@pytest.mark.parametrize(("code", "name"), [("1 / 0", "ZeroDivisionError"), ("for x in", "SyntaxError")])
def test_an_error_from_before_the_magics_can_be_fixed(shell, wire, code, name):
    shell.cell("%unload_ext first_jupyter")
    shell.cell(code)
    failed = shell.execution_count - 1
    shell.cell("%load_ext first_jupyter")
    shell.cell(f"%first fix --cell {failed}")
    assert name in wire.asked[0]["messages"][-1]["content"]


def test_a_syntax_error_can_be_fixed_too(shell, wire):
    shell.cell("for x in")
    shell.cell("%first fix")
    assert "SyntaxError" in wire.asked[0]["messages"][-1]["content"]


def test_there_is_nothing_to_fix_before_an_error(shell):
    assert "No cell has failed" in str(shell.cell("%first fix").error)


def test_an_error_of_ours_is_nothing_to_fix(shell, wire):
    wire.says(status=404, error="no")
    shell.cell("%%first\nHi")
    assert "No cell has failed" in str(shell.cell("%first fix").error)


def test_use_is_told_for_this_kernel_and_for_the_server(shell, wire):
    shell.cell("%%first\nHi")
    wire.says(status=404, error="no")
    shell.cell("%%first nope\nHi")
    seen = shell.cell("%first usage")
    assert "| this kernel | 1 | 11 | 2 |" in seen.markdown
    assert "| last 30 days | 7 | 1,200 | 340 |" in seen.markdown


def test_help_tells_all_commands_and_options(shell):
    said = shell.cell("%first help").plain
    for word in ("%first models", "%first fix", "--schema", "--no-history", "{In[3]}"):
        assert word in said
    assert shell.cell("%%first --help\nx").plain == said


@pytest.mark.parametrize(("typed", "near"), [("model", "models"), ("stats", "status"), ("xyz", "usage")])
def test_an_unknown_command_names_those_near_it(shell, typed, near):
    seen = shell.cell(f"%first {typed}")
    assert near in str(seen.error)
    assert len(seen.printed.strip().splitlines()) == 1
