"""Label Studio itself, from PyPI: our tasks go in, are answered there, and its exports go back into a session.

It is installed into its own environment, kept in a cache folder (`SEALS_TEST_CACHE`, or the default), and started on
loopback with a temporary folder.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import venv
from pathlib import Path

import httpx
import pytest

from seals_sim.disk.cache import get_default_folder
from seals_sim.label.exchange import (
    LABEL_STUDIO_CONFIG,
    AnswerNames,
    build_label_studio_tasks,
    import_labels,
)
from seals_sim.label.session import Session
from tests.label.small import CORPUS, IS_POSITIVE
from tests.label.test_marks import OPTIONS, session

__all__ = ["session"]

VERSION = "1.23.2"
EMAIL, PASSWORD = "ada@example.org", "a pass phrase for a test"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def program():
    folder = Path(os.environ.get("SEALS_TEST_CACHE") or get_default_folder()) / f"label-studio-{VERSION}"
    program = folder / "bin" / "label-studio"
    if not (folder / "installed").exists():
        venv.create(folder, with_pip=True, clear=True)
        command = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", f"label-studio=={VERSION}"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
        if ended.returncode:
            pytest.skip(f"Label Studio {VERSION} cannot be installed: {ended.stderr.strip().splitlines()[-1]}")
        (folder / "installed").touch()
    return program


@pytest.fixture(scope="module")
def studio(program, tmp_path_factory):
    """A logged-in client of the server."""
    folder = tmp_path_factory.mktemp("studio")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    silent = {
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
    }
    environment = {**os.environ, **silent, "HOME": str(folder), "LABEL_STUDIO_BASE_DATA_DIR": str(folder)}
    command = [str(program), "start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(port),
               "--username", EMAIL, "--password", PASSWORD, "--data-dir", str(folder)]  # fmt: skip
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        address, until = f"http://127.0.0.1:{port}", time.monotonic() + 600
        with httpx.Client(base_url=address, timeout=120, follow_redirects=True, headers={"Referer": address}) as client:
            while not is_up(client):
                if process.poll() is not None or time.monotonic() > until:
                    pytest.skip(f"Label Studio does not start: {(folder / 'log').read_text()[-500:]}")
                time.sleep(1)
            client.get("/user/login/")
            form = {"email": EMAIL, "password": PASSWORD, "csrfmiddlewaretoken": client.cookies["csrftoken"]}
            assert client.post("/user/login/", data=form).url.path == "/"
            client.headers["X-CSRFToken"] = client.cookies["csrftoken"]
            yield client
    finally:
        process.kill()
        process.wait()


def is_up(client):
    try:
        return client.get("/health", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def call(client, method, path, **options):
    reply = client.request(method, path, **options)
    assert reply.is_success, reply.text
    return reply


def make_project(client, config, tasks):
    project = call(client, "POST", "/api/projects", json={"title": "labels", "label_config": config}).json()["id"]
    assert call(client, "POST", f"/api/projects/{project}/import", json=tasks).json()["task_count"] == len(tasks)
    return project


def list_tasks(client, project):
    path = f"/api/tasks?project={project}&fields=all&page_size=1000"
    return call(client, "GET", path).json()["tasks"]


def annotate(client, task, choices, field="answer"):
    result = {"from_name": field, "to_name": "text", "type": "choices", "value": {"choices": choices}}
    body = {"result": [result] if choices else [], "was_cancelled": not choices}
    call(client, "POST", f"/api/tasks/{task['id']}/annotations/", json=body)


def download(client, project, kind, path):
    path.write_bytes(call(client, "GET", f"/api/projects/{project}/export?exportType={kind}").content)
    return path


def test_answers_go_there_and_back_with_those_given_there(tmp_path, session, studio):
    tasks = build_label_studio_tasks(session)
    new = [row for row in range(len(IS_POSITIVE)) if row not in session.answers][:6]
    tasks += [{"data": {"row": row, "text": CORPUS.get_text(row), "is_control": row == new[0]}} for row in new]
    project = make_project(studio, LABEL_STUDIO_CONFIG, tasks)
    there = {task["data"]["row"]: task for task in list_tasks(studio, project)}
    assert len(there) == len(tasks)
    given = dict(zip(new, (["yes"], ["no"], [], ["no"]), strict=False))
    for row, choices in given.items():
        annotate(studio, there[row], choices)
    changed = next(row for row, answer in session.answers.items() if answer == 0)
    annotate(studio, there[changed], ["yes"])  # a second annotation, which counts
    expected = {**session.answers, **dict(zip(new, (1, 0, None, 0), strict=False)), changed: 1}
    drawn = {row for row in session.answers if session.is_control(row)} | {new[0]}

    kinds = {"JSON": ("json", "label_studio"), "JSON_MIN": ("json", "label_studio"), "CSV": ("csv", "table")}
    for kind, (ending, form) in kinds.items():
        path = download(studio, project, kind, tmp_path / f"{kind}.{ending}")
        with Session.begin(tmp_path / f"from {kind}", CORPUS, options=OPTIONS) as other:
            import_labels(other, path, form)
            # Only JSON records skipped tasks.
            wanted = {row: answer for row, answer in expected.items() if kind == "JSON" or answer is not None}
            if form == "table":  # two answers to one task may be in any order there
                wanted[changed] = other.answers[changed]
            assert other.answers == wanted, kind
            assert {row for row in wanted if other.is_control(row)} == drawn & wanted.keys()


def test_labels_of_their_own_and_several_at_once(tmp_path, studio):
    config = """<View><Text name="text" value="$body"/>
      <Choices name="kind" toName="text" choice="multiple"><Choice value="Spam"/><Choice value="Ad"/>
      <Choice value="Ham"/></Choices></View>"""
    texts = [CORPUS.get_text(row) for row in range(3)]
    project = make_project(studio, config, [{"data": {"body": text, "text": text}} for text in texts])
    for task, choices in zip(list_tasks(studio, project), (["Spam", "Ad"], ["Ham"], ["Ad"]), strict=True):
        annotate(studio, task, choices, "kind")
    names = AnswerNames(("Spam",), field="kind")
    for kind in ("JSON", "JSON_MIN"):
        path = download(studio, project, kind, tmp_path / f"{kind}.json")
        assert len(json.loads(path.read_text())) == 3
        with Session.begin(tmp_path / f"from {kind}", CORPUS, options=OPTIONS) as other:
            import_labels(other, path, "label_studio", names)
            assert list(other.distinct_answers.values()) == [1, 0, 0]
