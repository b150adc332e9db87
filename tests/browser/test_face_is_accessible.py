"""What axe-core says of the status item and the dialogs, on a federation with a model in every state."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.model]


def test_axe_has_nothing_to_say_of_the_status_item_and_the_dialogs(states, drive):
    seen = drive("dialogs.mjs", states.lab.address("lab"))
    assert len(seen["found"]) == 9
    assert {name: found for name, found in seen["found"].items() if found} == {}
