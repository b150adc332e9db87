"""What widgets share: they follow the server, act beside the kernel, and leave something to read behind."""

from __future__ import annotations

import html
import threading
import time
from typing import TYPE_CHECKING, Any

import ipywidgets

from first_jupyter._errors import FirstError
from first_jupyter._live import Live
from first_jupyter._widgets.runs import note

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Card", "button", "html_table", "prompt", "shut"]

VIEW = "application/vnd.jupyter.widget-view+json"


class Card(ipywidgets.VBox):  # type: ignore[misc]
    """A widget that follows the catalog until it is closed, or its cell is run again.

    A notebook that is exported or opened later, and a terminal, show what `text` and `page` said when it was
    displayed, or when `_leave` was called last.

    Subclasses write `text`, `page` and `_see`. They draw in `_see`, which a thread calls with each catalog,
    and call `_follow` once they are made.
    """

    children: Sequence[ipywidgets.Widget]

    def __init__(self) -> None:
        self._said = ipywidgets.HTML()
        self._line = self._refusal = ""
        self._drawing = threading.RLock()
        self._displays: list[Any] = []
        self._live: Live | None = None
        super().__init__()

    # Each subclass has these three of its own; the metaclass of widgets leaves no room for `abc`.

    def text(self) -> str:
        """Say what it shows, for where there is nothing but text."""
        raise NotImplementedError

    def page(self) -> str:
        """Say what it shows in HTML, for where no widget can live."""
        raise NotImplementedError

    def _see(self, catalog: dict[str, Any]) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Stop following the server; what it showed last stays to be read."""
        if self.comm is None:
            return
        self._unfollow()
        for child in self.children:
            shut(child)
        super().close()
        # ipywidgets would show nothing of a closed widget, and be asked for nothing.
        del self._repr_mimebundle_
        self._leave(alive=False)

    def __repr__(self) -> str:
        """Stand in where widgets cannot be shown."""
        return self.text()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        when = time.strftime("%Y-%m-%d at %H:%M")
        page = f"{self.page()}<div><small>As it was on {when}.</small></div>"
        shown: dict[str, Any] = {"text/plain": self.text(), "text/html": page}
        if self.comm is not None:
            shown[VIEW] = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return shown

    def _ipython_display_(self) -> None:
        from IPython.core.getipython import get_ipython  # noqa: PLC0415
        from IPython.display import DisplayHandle  # noqa: PLC0415

        handle = DisplayHandle()  # type: ignore[no-untyped-call]
        handle.display(self._repr_mimebundle_(), raw=True)  # type: ignore[no-untyped-call]
        if kernel := getattr(get_ipython(), "kernel", None):  # a terminal cannot take back what it printed
            self._displays.append(handle)
            note(self, kernel.get_parent())

    def _leave(self, *, alive: bool) -> None:
        """Have the notebook keep what is shown now; in place of the widget, unless that is to stay alive."""
        shown = self._repr_mimebundle_()
        if not alive:
            shown.pop(VIEW, None)
        for handle in self._displays:
            handle.update(shown, raw=True)

    def _follow(self) -> None:
        self._live = Live(self._see, self._say)

    def _unfollow(self) -> None:
        if self._live:
            self._live.close()

    def act(self, pressed: ipywidgets.Button, action: Callable[[], Any]) -> None:
        """Do what a button says in a thread: the kernel is not held up, nor are other widgets."""

        def do() -> None:
            try:
                action()
            except FirstError as error:
                self._refuse(str(error))
            finally:
                pressed.disabled = False

        pressed.disabled = True
        self._refuse("")
        threading.Thread(target=do, name="first-act", daemon=True).start()

    def _say(self, line: str) -> None:
        """Say how things are, to those who listen too."""
        self._line = line
        self._renew()

    def _refuse(self, why: str) -> None:
        """Say why something could not be done, until the next thing is tried."""
        self._refusal = why
        self._renew()

    def _renew(self) -> None:
        said = f'<span role="status" aria-live="polite">{html.escape(self._line)}</span>'
        if self._refusal:
            said += f'<div role="alert" style="line-height: 1.5">{html.escape(self._refusal)}</div>'
        if said != self._said.value:
            self._said.value = said


def button(
    name: str, icon: str, tooltip: str, action: Callable[[ipywidgets.Button], Any]
) -> ipywidgets.Button:
    """Make a button that says in words what it does; `action` gets it when it is pressed."""
    layout = {"width": "auto", "align_self": "flex-start"}
    made = ipywidgets.Button(description=name, icon=icon, tooltip=tooltip, layout=layout)
    made.on_click(action)
    return prompt(made)


def shut(widget: ipywidgets.Widget) -> None:
    """Close a widget with all that is in it: ipywidgets keeps the parts alive."""
    for child in getattr(widget, "children", ()):
        shut(child)
    widget.close()


def prompt(control: ipywidgets.Widget) -> ipywidgets.Widget:
    """Have what the reader does with a control taken up at once, also while a cell runs.

    JupyterLab sends it to a thread beside the cell's. ipykernel since 7.4 hands it to the thread that had the
    control's last message, which is the cell's own, unless the control's comm tells of no such thread.
    """
    if control.comm is not None:
        control.comm._reply_subshell_for = None  # noqa: SLF001  there is no public way
    return control


def html_table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> str:
    """Write a table; columns that hold numbers alone are set to the right."""
    sides = ["right" if _are_numbers(column) else "left" for column in zip(*rows, strict=True)]
    titled = f'<caption style="text-align: left; font-weight: 600">{html.escape(caption)}</caption>'
    top = "".join(_cell("th" if cell else "td", cell, side) for cell, side in zip(head, sides, strict=True))
    body = "".join(
        f"<tr>{''.join(_cell('td', cell, side) for cell, side in zip(row, sides, strict=True))}</tr>"
        for row in rows
    )
    inside = f"{titled if caption else ''}<thead><tr>{top}</tr></thead><tbody>{body}</tbody>"
    # A widget's lines are as high as its buttons.
    return f'<table style="line-height: 1.5">{inside}</table>'


def _cell(kind: str, text: str, side: str) -> str:
    scope = ' scope="col"' if kind == "th" else ""
    return f'<{kind}{scope} style="text-align: {side}; padding: 1px 12px 1px 0">{html.escape(text)}</{kind}>'


def _are_numbers(column: Sequence[str]) -> bool:
    return all(not cell or cell[0].isdigit() for cell in column)
