"""The panel and the dialogs where there is little room, and the panel in Notebook 7."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.model]

# What Notebook 7.6 complains of with or without us.
NOTEBOOKS_OWN = ("reading 'schema'", "filebrowser:open-path")


def test_nothing_is_cut_off_at_200_percent_nor_in_notebook_7(states, drive):
    seen = drive("zoom.mjs", states.lab.address("lab"), states.lab.address("notebooks/empty.ipynb"))
    assert {place: wrong for place, wrong in seen["wrong"].items() if wrong} == {}
    assert len(seen["wrong"]) == 9
    assert [error for error in seen["errors"] if not any(own in error for own in NOTEBOOKS_OWN)] == []
