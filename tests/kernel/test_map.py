"""`first_jupyter.map` against the server's own batches."""

import asyncio
import json
import threading
import time
from typing import Literal

import pandas as pd
import pydantic
import pytest
from batch_process import completion, refusal
from wire import SMOL

import first_jupyter
from first_jupyter import FirstError
from first_jupyter._errors import Interrupted


class Verdict(pydantic.BaseModel):
    mood: Literal["good", "bad"]
    sure: int


def loud(prompt):
    return completion(prompt.upper())


def verdict(prompt):
    return completion(json.dumps({"mood": "bad" if "not" in prompt else "good", "sure": len(prompt)}))


def half(prompt):
    return refusal("This row is too long.") if prompt.endswith(("1", "3")) else loud(prompt)


ROWS = [f"row {number}" for number in range(10)]
TABLE = pd.DataFrame({"text": ["fine", "not fine"], "id": [4, 7]}, index=["x", "y"])


def test_a_list_gives_a_list_in_its_order(batches):
    batches(say=loud)
    answers = first_jupyter.map(ROWS)
    assert answers == [row.upper() for row in ROWS]
    assert isinstance(answers, list)
    assert answers.attrs["failures"] == {}


def test_a_series_gives_a_series_with_its_index(batches):
    batches(say=loud)
    answers = first_jupyter.map(TABLE["text"])
    assert answers.to_dict() == {"x": "FINE", "y": "NOT FINE"}


def test_a_table_is_asked_by_its_template(batches):
    process = batches(say=loud)
    answers = first_jupyter.map(TABLE, "No. {id}, {text}: {unknown} {'json': 1}")
    assert process.prompts == ["No. 4, fine: {unknown} {'json': 1}", "No. 7, not fine: {unknown} {'json': 1}"]
    assert list(answers.index) == ["x", "y"]
    assert answers.name == "answer"


def test_values_of_a_table_go_in_as_they_are_shown(batches):
    process = batches()
    table = pd.DataFrame({"day": pd.to_datetime(["2026-01-02"]), "size": [0.1]})
    first_jupyter.map(table, "{day}: {size}")
    assert process.prompts == ["2026-01-02 00:00:00: 0.1"]


def test_the_one_name_of_a_template_stands_for_a_list_s_values(batches):
    process = batches()
    first_jupyter.map(["a {review}", "b"], "Classify: {review}")
    assert process.prompts == ["Classify: a {review}", "Classify: b"]


def test_a_list_of_dicts_is_a_table(batches):
    process = batches()
    assert first_jupyter.map([{"a": 1, "b": "x"}, {"a": 2}], "{a} {b}") == ["1 x", None]
    assert process.prompts == ["1 x"]


def test_chat_messages_go_as_they_are_behind_the_system_prompt(batches):
    process = batches()
    talk = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    first_jupyter.map([talk], system="Be brief.", temperature=0, max_tokens=5, model="smollm2")
    assert process.asked == [
        {
            "model": SMOL,
            "temperature": 0,
            "max_tokens": 5,
            "messages": [{"role": "system", "content": "Be brief."}, *talk],
        }
    ]


def test_a_schema_makes_columns_of_a_table(batches):
    process = batches(say=verdict)
    answers = first_jupyter.map(TABLE, "Is this good? {text}", schema=Verdict)
    assert answers.to_dict("index") == {"x": {"mood": "good", "sure": 18}, "y": {"mood": "bad", "sure": 22}}
    assert process.asked[0]["response_format"]["json_schema"]["name"] == "Verdict"


def test_a_schema_makes_objects_of_a_list(batches):
    batches(say=verdict)
    assert first_jupyter.map(["not so"], schema=Verdict) == [Verdict(mood="bad", sure=6)]
    assert first_jupyter.map(["so"], schema=Verdict.model_json_schema()) == [{"mood": "good", "sure": 2}]


def test_answers_that_do_not_fit_are_failures_with_their_reason(batches):
    batches(say=lambda prompt: verdict(prompt) if prompt == "a" else completion('{"mood"', "length"))
    answers = first_jupyter.map(pd.Series(["a", "b"]), schema=Verdict)
    assert answers["mood"].isna().tolist() == [False, True]
    assert answers.attrs["failures"][1].startswith("The answer does not fit Verdict: it: Invalid JSON")
    assert answers.attrs["failures"][1].endswith("It was cut at the token limit.")


def test_rows_without_a_value_are_not_asked(batches):
    process = batches(say=loud)
    answers = first_jupyter.map(pd.Series(["a", None, "b"]))
    assert process.prompts == ["a", "b"]
    assert answers.tolist()[::2] == ["A", "B"]
    assert list(answers.attrs["failures"]) == [1]


def test_nothing_is_asked_of_nothing(batches):
    process = batches()
    assert first_jupyter.map([]) == []
    assert first_jupyter.map([None]) == [None]
    assert not process.asked


def test_rows_that_fail_are_told_and_stop_no_other(batches, capsys):
    batches(say=half)
    answers = first_jupyter.map(ROWS)
    assert [number for number, answer in enumerate(answers) if answer is None] == [1, 3]
    assert answers.attrs["failures"] == {1: "This row is too long.", 3: "This row is too long."}
    said = capsys.readouterr().err
    assert "8 of 10 rows answered" in said
    assert "2 failed; .attrs['failures'] has the reasons. Row 1: This row is too long." in said


def test_where_all_rows_fail_it_is_an_error(batches):
    batches(say=lambda _: refusal("The model cannot do this."))
    with pytest.raises(FirstError, match=r"None of the 10 rows has an answer. Row 0: The model cannot"):
        first_jupyter.map(ROWS)


def test_the_cost_is_told(batches):
    batches()
    cost = first_jupyter.map(ROWS).attrs["cost"]
    assert cost.pop("seconds") >= 0
    assert cost == {"model": SMOL, "prompt_tokens": 100, "completion_tokens": 20, "clusters": {"lab": 10}}


def test_the_same_call_asks_no_row_twice(batches):
    process = batches(say=loud)
    assert first_jupyter.map(ROWS) == first_jupyter.map(ROWS)
    assert len(process.asked) == 10
    first_jupyter.map(ROWS, fresh=True)
    first_jupyter.map(ROWS, temperature=0.5)
    assert len(process.asked) == 30


def test_an_interrupt_keeps_what_is_answered_and_the_same_call_asks_the_rest(batches, eventually):
    process = batches(may=4)
    interrupter = threading.Thread(target=lambda: (eventually(lambda: kept(process, 4)), interrupt()))
    interrupter.start()
    with pytest.raises(
        Interrupted, match=r"stopped; 4 of 10 rows are answered and kept\. The same call goes on"
    ):
        first_jupyter.map(ROWS)
    interrupter.join()
    process.may = None
    assert first_jupyter.map(ROWS) == ROWS
    assert process.prompts == ROWS


def test_it_goes_on_with_the_next_process_of_batches(batches, eventually):
    process = batches(may=4)
    asked = []

    def restart():
        eventually(lambda: kept(process, 4))
        batches.end()
        asked.extend(process.prompts)
        time.sleep(0.5)  # for as long as the call finds nobody
        asked.append(batches(say=completion))

    restarter = threading.Thread(target=restart)
    restarter.start()
    assert first_jupyter.map(ROWS) == ROWS
    restarter.join()
    assert asked.pop().prompts == ROWS[4:]


def test_max_cost_ends_it_with_what_is_there_and_a_higher_one_asks_the_rest(batches, capsys):
    process = batches(say=loud)
    answers = first_jupyter.map(ROWS, max_cost=24)  # of 12 tokens each
    assert answers == ["ROW 0", "ROW 1", *[None] * 8]
    assert answers.attrs["failures"] == {}
    assert "2 of 10 rows answered with 24 tokens" in (said := capsys.readouterr().err)
    assert "max_cost=24 is used up; the same call with a higher one asks the rest." in said
    assert first_jupyter.map(ROWS, max_cost=24) == answers
    assert len(process.asked) == 2
    assert sum(answer is not None for answer in first_jupyter.map(ROWS, max_cost=6e1)) == 5
    assert None not in first_jupyter.map(ROWS)
    assert process.prompts == ROWS


def test_a_lower_max_cost_stops_a_batch_that_runs_already(batches, eventually):
    process = batches(may=4)
    other = threading.Thread(target=lambda: first_jupyter.map(ROWS))
    other.start()
    eventually(lambda: kept(process, 4))
    answers = first_jupyter.map(ROWS, max_cost=24)
    other.join()
    assert sum(answer is not None for answer in answers) == 4


def test_rows_may_stay_at_clusters_and_other_clusters_are_another_batch(batches, wire):
    process = batches()
    first_jupyter.map(ROWS)
    wire.rules = lambda *_: (200, {"rules": [{"notebook": "", "path": None, "stay": ["lab"]}]})
    first_jupyter.map(ROWS)
    assert len(process.asked) == 20


def test_replicas_are_wished_for(batches):
    process = batches()
    first_jupyter.map(ROWS, replicas=2)
    assert process.wishes[0]["replicas"] == 2


async def test_amap_leaves_the_loop_free(batches):
    process = batches(may=0)
    call = asyncio.create_task(first_jupyter.amap(ROWS))
    await asyncio.sleep(0)
    process.may = None
    assert await call == ROWS


async def test_amap_can_be_cancelled_and_goes_on(batches, eventually, capsys):
    process = batches(may=4)
    call = asyncio.create_task(first_jupyter.amap(ROWS))
    await asyncio.to_thread(eventually, lambda: kept(process, 4))
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert "rows are answered and kept. The same call goes on" in capsys.readouterr().err
    process.may = None
    assert await first_jupyter.amap(ROWS) == ROWS


@pytest.mark.parametrize(
    ("given", "template", "said"),
    [
        (
            TABLE,
            None,
            'A table needs a template, such as template="Classify {text}"; its columns are text, id',
        ),
        (TABLE, "What is {this}?", "names no column of the table.*the columns are text, id"),
        (ROWS, "{a} and {b}", "The template names a, b. For a list or a Series it has to have one name"),
        (ROWS, "What?", "The template names nothing"),
        ("one", None, "takes a list of prompts, a Series or a DataFrame, not one str"),
        (3, None, "not a int"),
        (["a", 3], None, "Row 1 is neither a string nor a list of chat messages but a int"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(batches, given, template, said):
    process = batches()
    with pytest.raises(FirstError, match=said):
        first_jupyter.map(given, template)
    assert not process.asked


def test_an_unknown_model_or_schema_is_refused_in_words(batches):
    batches()
    with pytest.raises(FirstError, match="There is no model nothing"):
        first_jupyter.map(ROWS, model="nothing")
    with pytest.raises(FirstError, match="schema is a int"):
        first_jupyter.map(ROWS, schema=3)


def kept(process, number):
    import sqlite3

    for path in process.folder.rglob("*.sqlite3"):
        with sqlite3.connect(path) as db:
            try:
                (count,) = db.execute("SELECT count(*) FROM rows").fetchone()
            except sqlite3.Error:
                continue
            if count >= number:
                return True
    return False


def interrupt():
    import os
    import signal

    os.kill(os.getpid(), signal.SIGINT)
