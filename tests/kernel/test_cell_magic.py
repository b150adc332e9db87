import re
import sys

import pytest

import first_jupyter
from first_jupyter import FirstError, NotConnectedError


def test_an_answer_is_shown_in_one_display_with_its_footer_and_origin(shell, wire):
    seen = shell.cell("%%first\nGood day")
    assert seen.markdown.startswith("Good morning.\n\n<small>SmolLM2-135M-Instruct · local · 2 tokens")
    assert seen.plain.startswith("Good morning.\n\nSmolLM2")
    assert seen.metadata["first"] == {
        "model": "HuggingFaceTB/SmolLM2-135M-Instruct",
        "cluster": "local",
        "replica": "r1",
        "route": "direct",
        "request_id": "req-1",
    }
    assert len({out.transient["display_id"] for out in seen.outputs if out.transient}) == 1


def test_an_answer_that_lost_its_node_says_once_where_it_was_continued(shell, wire):
    seams = [{"at": n, "from": "r1", "to": "r2", "cluster": cluster} for n, cluster in ((3, "a"), (5, "b"))]
    wire.says("Good ", "morning.", seams=seams)
    seen = shell.cell("%%first\nGood day")
    assert seen.plain.count("continued on") == 1
    assert "local · continued on b after a node was lost · 2 tokens" in seen.plain
    assert first_jupyter.last.seams == seams


def test_the_answer_is_kept_but_not_returned(shell):
    seen = shell.cell("%%first\nGood day")
    assert seen.result is None
    assert first_jupyter.last.text == "Good morning."
    assert first_jupyter.last.usage == {"prompt_tokens": 11, "completion_tokens": 2}
    assert first_jupyter.last.first_token > 0


def test_options_reach_the_request(shell, wire):
    shell.cell("%%first smollm2 -s 'Be brief.' -t 0.2 --max-tokens 9\nHi")
    body = wire.asked[0]
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("smollm2", 0.2, 9)
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert body["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("--stay local", {"x-first-stay": "local"}),
        ("--avoid a,b --prefer c", {"x-first-avoid": "a,b", "x-first-prefer": "c"}),
        ("--avoid a --avoid b,c", {"x-first-avoid": "a,b,c"}),
        ("--stay=", {"x-first-stay": ""}),
        ("smollm2", {}),
    ],
)
def test_a_question_says_where_it_may_be_answered(shell, wire, typed, sent):
    shell.cell(f"%%first {typed}\nHi")
    wishes = ("x-first-avoid", "x-first-prefer", "x-first-stay")
    assert {name: value for name, value in wire.headers[0].items() if name in wishes} == sent


def test_without_a_model_the_current_choice_answers(shell, wire):
    shell.cell("%%first\nHi")
    assert wire.asked[0]["model"] == "default"


def test_config_sets_the_defaults(shell, wire):
    shell.cell("%config First.model = 'llama'\n%config First.system = 'S'\n%config First.temperature = 0.5")
    shell.cell("%config First.footer = False")
    seen = shell.cell("%%first\nHi")
    body = wire.asked[0]
    assert (body["model"], body["temperature"], body["messages"][0]["content"]) == ("llama", 0.5, "S")
    assert seen.markdown == "Good morning."


def test_values_go_into_the_question_and_braces_stay(shell, wire):
    shell.cell("temperature = 21.5")
    shell.cell("temperature * 2")
    shell.cell('%%first\n{temperature} {Out[2]} {In[1]} {"a": 1}')
    assert wire.asked[0]["messages"][-1]["content"] == '21.5 43.0 temperature = 21.5 {"a": 1}'


def test_a_verbatim_question_keeps_all_its_braces(shell, wire):
    shell.cell("depth = 3")
    shell.cell('%%first --verbatim\nprint(f"{depth}")')
    assert wire.asked[0]["messages"][-1]["content"] == 'print(f"{depth}")'


def test_the_line_is_not_expanded(shell, wire):
    shell.cell("s = 'expanded'")
    shell.cell("%%first -s '{s} $s'\nHi")
    assert wire.asked[0]["messages"][0]["content"] == "{s} $s"


def test_the_traceback_of_a_failed_cell_can_be_asked_about(shell, wire):
    shell.cell("def f():\n    return 1 / 0\nf()")
    shell.cell("%%first\nWhy? {Err[1]}")
    sent = wire.asked[0]["messages"][-1]["content"]
    assert sent.startswith("Why? Traceback (most recent call last)")
    assert sent.endswith("ZeroDivisionError: division by zero")
    assert "interactiveshell" not in sent


def test_into_stores_the_text_and_echoes_nothing(shell):
    seen = shell.cell("%%first --into greeting\nHi")
    assert shell.user_ns["greeting"] == "Good morning."
    assert seen.result is None
    assert seen.markdown.startswith("Good morning.")


def test_quiet_leaves_the_footer_out_and_with_into_everything(shell):
    assert shell.cell("%%first --quiet\nHi").markdown == "Good morning."
    assert shell.cell("%%first --quiet --into it\nHi").outputs == []


def test_no_stream_shows_the_answer_at_once(shell, wire):
    seen = shell.cell("%%first --no-stream\nHi")
    assert wire.asked[0]["stream"] is False
    assert len(seen.outputs) == 1
    assert re.search(r"2 tokens · in \d+\.\d s", seen.markdown)
    assert "first token" not in seen.markdown
    assert "tokens/s" not in seen.markdown


def test_code_goes_into_the_next_cell(shell, wire):
    wire.says("Sure:\n", "```python\nprint(1)\n", "```")
    seen = shell.cell("%%first -f code\nPrint one")
    assert shell.rl_next_input == "print(1)"
    assert "cell below" in seen.markdown


def test_json_is_asked_for_checked_and_pretty(shell, wire):
    wire.says('{"a":', " 1}")
    seen = shell.cell("%%first -f json\nGive a")
    assert wire.asked[0]["response_format"] == {"type": "json_object"}
    assert seen.markdown.startswith('```json\n{\n  "a": 1\n}\n```')


def test_json_that_is_none_fails_in_one_line_and_stays_readable(shell, wire):
    wire.says('{"a": ')
    seen = shell.cell("%%first -f json\nGive a")
    assert isinstance(seen.error, FirstError)
    assert '{"a": ' in seen.markdown
    assert first_jupyter.last.text == '{"a": '


@pytest.mark.parametrize(
    ("kind", "mime"), [("text", "text/plain"), ("html", "text/html"), ("math", "text/markdown")]
)
def test_the_other_formats_have_their_own_type(shell, kind, mime):
    assert mime in shell.cell(f"%%first -f {kind}\nHi").data


def test_a_chat_goes_on_and_another_knows_nothing_of_it(shell, wire):
    shell.cell("%%first\nOne")
    shell.cell("%%first\nTwo")
    shell.cell("%%first --chat other\nThree")
    shell.cell("%%first --no-history\nFour")
    assert [len(body["messages"]) for body in wire.asked] == [1, 3, 1, 1]
    assert [said["content"] for said in wire.asked[1]["messages"]] == ["One", "Good morning.", "Two"]


def test_a_chat_sends_its_last_exchanges_alone(shell, wire):
    shell.cell("%config First.max_history = 2")
    for n in range(5):
        shell.cell(f"%%first\n{n}")
    assert [said["content"] for said in wire.asked[-1]["messages"]][::2] == ["2", "3", "4"]


def test_no_history_remembers_nothing(shell, wire):
    shell.cell("%%first --no-history\nOne")
    shell.cell("%%first\nTwo")
    assert len(wire.asked[1]["messages"]) == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--bad", "unrecognized arguments: --bad"),
        ("-t hot", "invalid float value"),
        ("-f pdf", "invalid choice"),
        ("-s 'open", "No closing quotation"),
        ("--schema Nothing", "--schema Nothing: it does not exist"),
        ("--image nothing.png", "there is neither a variable nor a file"),
    ],
)
def test_a_wrong_option_fails_in_one_line(shell, wire, line, said):
    seen = shell.cell(f"%%first {line}\nHi")
    assert isinstance(seen.error, FirstError)
    assert said in str(seen.error)
    assert len(seen.printed.strip().splitlines()) == 1
    assert not wire.asked


def test_the_server_s_refusal_is_told_in_its_own_words(shell, wire):
    wire.says(status=404, error="There is no model 'nope'; near: smollm2.")
    seen = shell.cell("%%first nope\nHi")
    assert seen.printed.strip() == "StatusError: There is no model 'nope'; near: smollm2."
    assert seen.outputs == []


def test_a_wrong_key_says_what_to_do(shell, monkeypatch):
    monkeypatch.setenv("FIRST_API_KEY", "wrong")
    assert "restart the kernel" in str(shell.cell("%%first\nHi").error)


def test_without_a_server_the_cell_says_how_to_start_one(shell, monkeypatch):
    monkeypatch.delenv("FIRST_API_KEY")
    seen = shell.cell("%%first\nHi")
    assert isinstance(seen.error, NotConnectedError)
    assert "jupyter lab" in seen.printed
    assert "Traceback" not in seen.printed


def test_a_chat_that_outgrew_the_model_can_be_forgotten(shell, wire):
    shell.cell("%%first\nOne")
    wire.says(status=400, error="The request exceeds the context size.")
    assert "`%first reset main` forgets it" in str(shell.cell("%%first\nTwo").error)


def test_a_failed_exchange_is_not_remembered(shell, wire):
    wire.says(cut=True)
    shell.cell("%%first\nOne")
    wire.says()
    shell.cell("%%first\nTwo")
    assert len(wire.asked[1]["messages"]) == 1


def test_unloading_takes_everything_out_again(shell):
    shell.run_line_magic("unload_ext", "first_jupyter")
    assert shell.find_cell_magic("first") is None
    shell.cell("1 / 0")
    assert not sys.modules["first_jupyter._session"].session.errors
    shell.run_line_magic("load_ext", "first_jupyter")
