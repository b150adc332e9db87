"""From the login to the logout, on a real server with the real small model."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.model]


@pytest.mark.parametrize("way", ["mouse", "keyboard"])
def test_a_person_logs_in_starts_a_model_asks_cancels_stops_and_logs_out(states, drive, way):
    seen = drive("journey.mjs", states.lab.address("lab/tree/empty.ipynb"), way)
    assert "ada@lab.example" in seen["account"]
    assert seen["progress"].startswith(("queued", "starting"))
    assert "Held until" in seen["warm"]
    assert "the text so far is kept" in seen["answer"]
    assert len(seen["answer"]) > 150
    assert seen["errors"] == []
