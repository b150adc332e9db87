import builtins

import pytest

DEMAND = "Globus asks you to prove again who you are."
PAGE = "https://auth.globus.org/v2/oauth2/authorize?client_id=c&state=s"


class Login:
    """The server's side of a login, as the control API tells it."""

    def __init__(self, state="logged_out", way="paste", offers=(), ends_soon=False):
        self.state, self.way, self.offers = (
            state,
            way,
            [{"tool": t, "sentence": f"{t} has it."} for t in offers],
        )
        self.ends_soon = ends_soon
        self.calls, self.looks, self.refuse = [], 0, 0

    def __call__(self, method, route, body):
        if method == "GET":
            self.looks += 1
            if self.state == "pending" and self.way == "redirect" and self.looks > 2:
                self.state = "logged_in"
            return 200, self.shown()
        self.calls.append((method, route.removeprefix("api/"), body))
        if method == "POST" and route == "api/login" and "tool" not in body:
            self.state = "pending"
            return 200, {"url": PAGE, "way": self.way, "until": 9e9}
        if body and body.get("code") and self.refuse:
            self.refuse -= 1
            return 400, {"error": {"message": "Globus did not take the code."}}
        self.state = "logged_in" if body else "logged_out"
        return 200, self.shown()

    def shown(self):
        words = {
            "logged_out": "Not logged in with Globus.",
            "logged_in": "Logged in as ada for Globus Compute.",
            "demand": DEMAND,
        }
        return {
            "state": self.state,
            "sentence": words.get(self.state, f"It is {self.state}."),
            "ends_soon": self.ends_soon,
            "service_account": False,
            "asks": [{"service": "Globus Compute", "why": "to start models"}]
            if self.state != "unneeded"
            else [],
            "offers": self.offers,
        }


@pytest.fixture
def types(monkeypatch):
    """Have somebody type these lines, one for each question."""

    def at(*lines):
        left = list(lines)

        def answer(prompt=""):
            line = left.pop(0)
            if isinstance(line, type):
                raise line
            return line

        monkeypatch.setattr(builtins, "input", answer)

    return at


def test_a_login_shows_a_link_says_what_for_and_takes_the_code(shell, wire, types):
    wire.login = Login()
    types(" the-code ")
    seen = shell.cell("%first login")
    first = seen.outputs[0].data
    assert f'<a href="{PAGE.replace("&", "&amp;")}"' in first["text/html"]
    assert PAGE in first["text/plain"]
    assert "Globus Compute to start models" in first["text/plain"]
    assert seen.plain == "Logged in as ada for Globus Compute."
    assert wire.login.calls == [("POST", "login", {}), ("POST", "login/code", {"code": "the-code"})]


def test_a_mistyped_code_is_asked_for_again(shell, wire, types):
    wire.login = Login()
    wire.login.refuse = 1
    types("mistyped", "right")
    seen = shell.cell("%first login")
    assert "Globus did not take the code." in seen.printed
    assert seen.plain == "Logged in as ada for Globus Compute."


def test_with_a_redirect_it_waits_for_the_browser(shell, wire, monkeypatch):
    monkeypatch.setattr("first_jupyter._login.PAUSE", 0.01)
    wire.login = Login(way="redirect")
    assert shell.cell("%first login").plain == "Logged in as ada for Globus Compute."


@pytest.mark.parametrize("typed", [KeyboardInterrupt, ""])
def test_a_login_can_be_given_up(shell, wire, types, typed):
    wire.login = Login()
    types(typed)
    assert str(shell.cell("%first login").error) == "The login was given up; nothing was changed."
    assert wire.login.calls[-1] == ("DELETE", "login", None)


def test_where_nobody_can_type_the_code_goes_into_the_line(shell, wire, types):
    wire.login = Login()
    types(EOFError)
    assert "%first login CODE" in shell.cell("%first login").plain
    assert shell.cell("%first login abc").plain == "Logged in as ada for Globus Compute."
    assert wire.login.calls[-1] == ("POST", "login/code", {"code": "abc"})


def test_who_is_logged_in_is_not_asked_again_unless_wanted(shell, wire, types):
    wire.login = Login(state="logged_in")
    assert "%first login again" in shell.cell("%first login").plain
    assert wire.login.calls == []
    types("code")
    shell.cell("%first login again")
    assert wire.login.calls[0] == ("POST", "login", {"force": True})


def test_what_globus_demands_stands_above_the_link(shell, wire, types):
    wire.login = Login("demand")
    types("the-code")
    seen = shell.cell("%first login")
    assert seen.outputs[0].data["text/plain"].splitlines()[0] == DEMAND
    assert seen.outputs[0].data["text/html"].startswith(DEMAND)
    assert seen.plain == "Logged in as ada for Globus Compute."
    assert wire.login.calls == [("POST", "login", {}), ("POST", "login/code", {"code": "the-code"})]


def test_a_login_that_ends_soon_is_renewed_without_being_asked_twice(shell, wire, types):
    wire.login = Login("logged_in", ends_soon=True)
    types("the-code")
    shell.cell("%first login")
    assert wire.login.calls == [
        ("POST", "login", {"force": True}),
        ("POST", "login/code", {"code": "the-code"}),
    ]


def test_the_login_of_another_tool_is_offered_and_taken_over_by_name(shell, wire, types):
    wire.login = Login(offers=["alcf-tokens"])
    types("")
    assert "`%first login alcf-tokens` does that." in shell.cell("%first login").outputs[0].data["text/plain"]
    shell.cell("%first login alcf-tokens")
    assert wire.login.calls[-1] == ("POST", "login", {"tool": "alcf-tokens"})


def test_logging_out_says_what_came_of_it(shell, wire):
    wire.login = Login(state="logged_in")
    assert shell.cell("%first logout").plain == "Not logged in with Globus."
    assert wire.login.calls == [("POST", "logout", {})]


def test_a_login_can_be_begun_where_no_cluster_needs_one_yet(shell, wire, types):
    wire.login = Login("unneeded")
    types("the-code")
    seen = shell.cell("%first login")
    assert "It asks for: Globus Compute to start models." in seen.outputs[0].data["text/plain"]
    assert seen.plain == "Logged in as ada for Globus Compute."


def test_the_status_tells_the_login_where_one_is_needed(shell, wire):
    wire.login = Login()
    assert shell.cell("%first").plain.endswith("login: Not logged in with Globus. `%first login` does that.")
    wire.login = Login(state="demand")
    assert shell.cell("%first").plain.endswith(f"login: {DEMAND} `%first login` does that.")
    wire.login = Login(state="logged_in")
    assert shell.cell("%first").plain.endswith("login: Logged in as ada for Globus Compute.")
