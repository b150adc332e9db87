"""`first_jupyter.map`: one question for each row, answered as a batch."""
