"""A real kernel, and what its widgets' buttons send."""


def run(client, code, on_message=lambda message: None, cell=""):
    """Run a cell, which JupyterLab gives an id; its messages and its reply's content."""
    content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
    request = client.session.msg("execute_request", content, metadata={"cellId": cell})
    client.shell_channel.send(request)
    asked, messages = request["header"]["msg_id"], []
    while True:
        message = client.get_iopub_msg(timeout=20)
        if message["parent_header"].get("msg_id") != asked:
            continue
        messages.append(message)
        on_message(message)
        if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
            break
    while True:
        reply = client.get_shell_msg(timeout=20)
        if reply["parent_header"].get("msg_id") == asked:
            return messages, reply["content"]


def value(client, expression):
    """Return what an expression is in the kernel, as text."""
    asked = client.execute("", user_expressions={"asked": expression})
    while True:
        reply = client.get_shell_msg(timeout=20)
        if reply["parent_header"].get("msg_id") == asked:
            return reply["content"]["user_expressions"]["asked"]["data"]["text/plain"].strip("'")


class Subshell:
    """Sends widgets' messages past the running cell, as JupyterLab does."""

    def __init__(self, client):
        self._client = client
        request = client.session.msg("create_subshell_request")
        client.control_channel.send(request)
        reply = client.get_control_msg(timeout=20)
        assert reply["content"]["status"] == "ok"
        self._id = reply["content"]["subshell_id"]

    def click(self, model_id):
        self.send(model_id, {"method": "custom", "content": {"event": "click"}})

    def send(self, model_id, data):
        message = self._client.session.msg("comm_msg", {"comm_id": model_id, "data": data})
        message["header"]["subshell_id"] = self._id
        self._client.shell_channel.send(message)
