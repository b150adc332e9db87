import pydantic
import pytest

import first_jupyter
from first_jupyter import FirstError
from first_jupyter._schema import find_form


class Place(pydantic.BaseModel):
    name: str
    floor: int = 0


class Person(pydantic.BaseModel):
    name: str
    place: Place


SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}


def test_a_pydantic_class_makes_the_cell_s_result(shell, wire):
    shell.user_ns["Place"] = Place
    wire.says('{"name": "lab",', ' "floor": 2}')
    seen = shell.cell("%%first --schema Place\nWhere?")
    assert seen.result == Place(name="lab", floor=2)
    assert first_jupyter.last.value == seen.result
    sent = wire.asked[0]["response_format"]
    assert sent["type"] == "json_schema"
    assert sent["json_schema"]["name"] == "Place"
    assert sent["json_schema"]["strict"] is True


def test_a_dict_makes_a_dict(shell, wire):
    shell.user_ns["SCHEMA"] = SCHEMA
    wire.says('{"age": 3}')
    assert shell.cell("%%first --schema SCHEMA\nAge?").result == {"age": 3}
    assert wire.asked[0]["response_format"]["json_schema"]["schema"] == SCHEMA


def test_into_stores_the_object_and_nothing_is_echoed(shell, wire):
    shell.user_ns["SCHEMA"] = SCHEMA
    wire.says('{"age": 3}')
    assert shell.cell("%%first --schema SCHEMA --into it\nAge?").result is None
    assert shell.user_ns["it"] == {"age": 3}


def test_the_json_makes_way_for_the_object(shell, wire):
    shell.user_ns["SCHEMA"] = SCHEMA
    wire.says('{"age": 3}')
    seen = shell.cell("%%first --schema SCHEMA\nAge?")
    assert "age" not in seen.markdown
    assert "1 token" in seen.markdown


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ('{"age": "old"}', "data.age must be integer"),
        ("{}", "data must contain ['age'] properties"),
        ('{"age": 3', "Expecting ',' delimiter"),
    ],
)
def test_an_answer_that_does_not_fit_fails_in_one_line_and_is_kept(shell, wire, answer, said):
    shell.user_ns["SCHEMA"] = SCHEMA
    wire.says(answer)
    seen = shell.cell("%%first --schema SCHEMA\nAge?")
    assert isinstance(seen.error, FirstError)
    assert "does not fit SCHEMA" in str(seen.error)
    assert said in str(seen.error)
    assert len(seen.printed.strip().splitlines()) == 1
    assert answer in seen.markdown
    assert first_jupyter.last.text == answer


def test_a_wrong_field_of_a_class_is_named(shell, wire):
    shell.user_ns["Person"] = Person
    wire.says('{"name": "A", "place": {"name": "lab", "floor": "up"}}')
    assert "place.floor" in str(shell.cell("%%first --schema Person\nWho?").error)


def test_every_object_of_a_class_is_closed_and_complete():
    schema = find_form("Person", {"Person": Person}).response_format["json_schema"]["schema"]
    for node in (schema, schema["$defs"]["Place"]):
        assert node["additionalProperties"] is False
        assert node["required"] == list(node["properties"])


def test_what_is_no_form_is_refused():
    with pytest.raises(FirstError, match="it is a int"):
        find_form("x", {"x": 1})
