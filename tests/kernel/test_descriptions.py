import numpy as np
import pandas as pd

from first_jupyter._describe import LIMIT, describe, shorten


def test_text_goes_in_whole():
    assert describe("a" * 10_000) == "a" * 10_000


def test_a_small_table_goes_in_whole_with_its_types():
    text = describe(pd.DataFrame({"t": [1, 2], "v": [0.5, 0.7]}))
    assert text.startswith("DataFrame, 2 rows x 2 columns: t int64, v float64\n")
    assert "0.7" in text
    assert "more rows" not in text


def test_a_large_table_is_cut_and_says_so():
    text = describe(pd.DataFrame({f"c{i}": range(100_000) for i in range(200)}))
    assert len(text) <= LIMIT
    assert "100,000 rows x 200 columns" in text
    assert "170 more columns" in text
    assert "more rows" in text


def test_a_series_and_an_array_say_their_shape():
    assert describe(pd.Series([1.0] * 1000, name="v")).startswith("Series v, 1,000 values, float64")
    assert describe(np.zeros((1000, 3))).startswith("array of shape (1000, 3), float64")


def test_numbers_go_in_as_they_are():
    assert describe(2.5) == "2.5"
    assert describe(np.float64(2.5)) == "2.5"


def test_a_function_goes_in_as_its_source():
    assert describe(test_numbers_go_in_as_they_are).startswith("def test_numbers_go_in")


def test_a_long_list_is_cut_in_the_middle():
    text = describe(list(range(10_000)))
    assert len(text) < LIMIT + 60
    assert "characters left out" in text
    assert text.endswith("9999]")


def test_what_was_left_out_is_counted_right():
    assert "… 60 characters left out …" in shorten("a" * 100, 40)
