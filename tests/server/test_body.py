"""The body passes through untouched but for the model's name."""

import json

import pytest
from first_jupyter_server.dataplane import body
from first_jupyter_server.errors import ApiError


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (b'{"model":"a"}', b'{"model":"NEW"}'),
        (
            b'{ "messages" : [] ,\n "model" :  "a" , "x":1e400}',
            b'{ "messages" : [] ,\n "model" :  "NEW" , "x":1e400}',
        ),
        (b'{"a":{"model":"inner"},"model":"a"}', b'{"a":{"model":"inner"},"model":"NEW"}'),
        (b'{"a":"\\"model\\":\\"b\\"","model":"a"}', b'{"a":"\\"model\\":\\"b\\"","model":"NEW"}'),
        (b'{"a":["]}",{"b":["model"]}],"model":"a"}', b'{"a":["]}",{"b":["model"]}],"model":"NEW"}'),
        (b'{"mod\\u0065l":"a"}', b'{"mod\\u0065l":"NEW"}'),
        (b'{"model":null,"top_k":0.10}', b'{"model":"NEW","top_k":0.10}'),
        (b'{"model":"a","n":-1.50,"model":"b"}', b'{"model":"NEW","n":-1.50,"model":"NEW"}'),
        (b'{"messages":[]}', b'{"model":"NEW","messages":[]}'),
        (b" \n{ }", b' \n{"model":"NEW" }'),
        ('{"é":"ü","model":"ß"}'.encode(), '{"é":"ü","model":"NEW"}'.encode()),
    ],
)
def test_only_the_top_level_name_changes(given, expected):
    assert body.with_model(given, "NEW") == expected


def test_a_name_that_needs_escaping_is_escaped():
    changed = body.with_model(b'{"model":"a"}', 'quo"te\\')
    assert json.loads(changed) == {"model": 'quo"te\\'}


@pytest.mark.parametrize(
    ("given", "model", "stream"),
    [
        (b'{"model":"a","stream":true}', "a", True),
        (b'{"model":"a","stream":false}', "a", False),
        (b'{"model":"a","stream":null}', "a", False),
        (b'{"messages":[]}', "", False),
        (b'{"model":null}', "", False),
    ],
)
def test_the_name_and_the_stream_flag_are_read(given, model, stream):
    assert body.read(given) == body.Asked(model, stream)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (b"", "not valid JSON"),
        (b'{"model":', "not valid JSON"),
        (b"[1]", "JSON object"),
        (b'{"model":3}', "must be a string"),
        (b"\xff\xfe", "not valid JSON"),
    ],
)
def test_a_body_that_is_no_request_is_refused_in_a_sentence(given, words):
    with pytest.raises(ApiError, match=words) as refusal:
        body.read(given)
    assert refusal.value.status == 400
