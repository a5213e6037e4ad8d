"""`seals label --judge`: without a page, next to one, killed and restarted, and with everything that can go wrong."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter

import pandas as pd
import pytest

from benchmarks.served import ServedPage
from seals_sim.cli.main import main
from seals_sim.label.exchange import SessionFile
from tests.label.judge_server import KEY, MODEL, NO, YES, JudgeServer, fail

pytest.importorskip("openai", reason="the extra [judge] is not installed")
WHO = f"judge:{MODEL}"
N = 120
TEXTS = [f"a {'red' if row % 6 == 0 else 'green'} thing with the number {row}" for row in range(N)]


def is_red(text):
    return YES if "red" in text.split() else NO


@pytest.fixture
def words(tmp_path, monkeypatch):
    """Builds the arguments of the command for a server."""
    monkeypatch.delenv("SEALS_JUDGE_KEY", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    pd.DataFrame({"text": TEXTS}).to_csv(tmp_path / "t.csv", index=False)

    def make(url, *more, budget=60, model=MODEL):
        judge = ["--judge", url, "--judge-model", model, "--instruction", "Is it red?", "--judge-budget", str(budget)]
        fast = ["--model", "wordllama", "--like", "a red thing", "--quiet", "--cache", str(tmp_path / "cache")]
        return ["label", str(tmp_path / "t.csv"), *judge, *fast, *more]

    return make


def begin(words):
    command = [sys.executable, "-m", "seals_sim.cli.main", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def read_answers(tmp_path):
    table = SessionFile.read(tmp_path / "t.seals").build_labels_table()
    return dict(zip(table["row"], table["answer"], strict=True))


def test_it_labels_without_a_page(tmp_path, words, capsys):
    with JudgeServer(is_red, seconds=0.01) as server:
        main(words(server.url, "--no-page"))
    said = capsys.readouterr()
    assert said.out.startswith(f"{WHO} has answered 60 rows in 60 calls, 20 of them yes. A tenth of its answers")
    assert said.err == f"{WHO} has spent its budget of 60 calls\n"
    answers = read_answers(tmp_path)
    assert answers == {row: int(row % 6 == 0) for row in answers}
    main(["export", str(tmp_path / "t.seals"), "--out", str(tmp_path / "labels.csv")])
    assert set(pd.read_csv(tmp_path / "labels.csv")["who"]) == {WHO}


@pytest.mark.slow
def test_killed_and_begun_again_it_pays_for_no_answer_twice(tmp_path, words):
    n_parallel = 4
    with JudgeServer(is_red, seconds=0.02) as server:
        process = begin(words(server.url, "--no-page", "--judge-parallel", str(n_parallel)))
        while len(server.requests) < 25:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.001)
        process.kill()
        process.communicate()
        n_before = len(server.requests)
        saved = {TEXTS[row]: server.calls[TEXTS[row]] for row in read_answers(tmp_path)}
        assert set(saved.values()) == {1}
        assert 0 <= n_before - len(saved) <= n_parallel  # at most the calls under way are lost
        main(words(server.url, "--no-page"))
        assert {text: server.calls[text] for text in saved} == saved
        assert len(server.requests) <= 60  # a call is counted before it is made
        assert sum(n - 1 for n in server.calls.values()) <= n_parallel
        assert 60 - n_parallel <= len(read_answers(tmp_path)) <= 60


@pytest.mark.slow
def test_killed_in_a_session_of_several_concepts_it_pays_for_no_answer_twice(tmp_path, words):
    n_parallel = 4
    both = ["--instruction", "red=Is it red?", "--instruction", "even=Is it even?"]
    concepts = ["--concept", "red", "--concept", "even", "--like", "red=a red thing"]

    def count():
        """Number of calls for each text and concept."""
        return Counter((body["messages"][1]["content"], body["messages"][0]["content"]) for body in server.requests)

    with JudgeServer(lambda text: YES, seconds=0.02) as server:
        given = words(server.url, "--no-page", "--judge-parallel", str(n_parallel), *both, *concepts)
        for option in ("--instruction", "--like"):
            place = given.index(option)
            del given[place : place + 2]
        process = begin(given)
        while len(server.requests) < 25:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.001)
        process.kill()
        process.communicate()
        n_before = len(server.requests)
        saved = sum(len(file.state.answers) for file in SessionFile.read_all(tmp_path / "t.seals"))
        assert 0 <= n_before - saved <= n_parallel
        main(given)
        calls = count()
        assert len(server.requests) <= 60
        assert sum(n - 1 for n in calls.values()) <= n_parallel
        counts = [len(file.state.answers) for file in SessionFile.read_all(tmp_path / "t.seals")]
        assert 60 - n_parallel <= sum(counts) <= 60
        assert abs(counts[0] - counts[1]) <= n_parallel + 1


@pytest.mark.slow
def test_a_signal_ends_it_with_all_that_was_paid_for(tmp_path, words):
    with JudgeServer(is_red, seconds=0.2) as server:
        process = begin(words(server.url, "--no-page"))
        while len(server.requests) < 10:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.001)
        process.send_signal(signal.SIGINT)
        printed, said = process.communicate(timeout=60)
        assert process.returncode == 130
        assert said == "interrupted; rerun the same command to resume\n"
        assert f"in {len(server.requests)} calls" in printed
        assert len(read_answers(tmp_path)) == len(server.requests)


@pytest.mark.slow
def test_beside_the_page_it_ends_and_the_page_goes_on(tmp_path, words):
    with JudgeServer(is_red) as server:
        process = begin(words(server.url, "--no-browser", budget=30))
        url = process.stdout.readline().strip()
        ServedPage(url).call("/api/status")  # the page is available before the session is
        assert process.stderr.readline() == f"{WHO} has spent its budget of 30 calls\n"
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        assert "<title>" in opener.open(url, timeout=20).read().decode()
        status = opener.open(url.partition("?")[0] + "api/status", timeout=20).read().decode()
        assert '"judge_works":false' in status
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert printed.startswith(f"{WHO} has answered 30 rows in 30 calls")


def test_the_key_comes_from_the_environment_alone(tmp_path, words, refused, monkeypatch):
    with JudgeServer(is_red, key=KEY) as server:
        line = refused(main, words(server.url, "--no-page"))
        assert line.startswith(f"error: --judge {server.url}: rejected the key (401: Incorrect API key provided); set")
        assert not (tmp_path / "t.seals").exists()
        monkeypatch.setenv("SEALS_JUDGE_KEY", KEY)
        main(words(server.url, "--no-page", budget=5))
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes()


def test_what_is_wrong_with_the_judge_is_one_line(tmp_path, words, refused):
    with JudgeServer(is_red) as server:
        pass
    assert "cannot be reached" in refused(main, words(server.url, "--no-page"))
    with JudgeServer(is_red) as server:
        said = refused(main, words(server.url, "--no-page", model="another"))
        assert said.startswith(f"error: --judge-model another: was not found at {server.url} (404: ")
    for options, line in (
        (["--judge", "localhost:8000"], "--judge localhost:8000: is not a server address"),
        (["--judge", "http://user:secret@localhost/v1"], "--judge http://...localhost: contains more than an address"),
        (["--judge", "http://localhost:99999/v1"], "--judge http://localhost:99999/v1: is not a server address"),
    ):
        more = [*options, "--judge-model", "m", "--instruction", "i"]
        said = refused(main, ["label", str(tmp_path / "t.csv"), *more])
        assert said.startswith(f"error: {line}")
        assert "secret" not in said
    for options, line in (
        (["--no-page"], "--no-page: requires judge"),
        (["--judge-budget", "5"], "--judge-budget 5: requires judge"),
        (
            ["--judge", "http://localhost/v1", "--instruction", "i"],
            "--judge http://localhost/v1: requires judge_model",
        ),
        (
            ["--judge", "http://localhost/v1", "--judge-model", "m"],
            "--judge http://localhost/v1: requires instruction",
        ),
    ):
        assert refused(main, ["label", str(tmp_path / "t.csv"), *options]) == f"error: {line}"


def test_it_says_when_texts_leave_the_machine():
    from seals_sim.label.judge.address import warn_of_sending

    for url in ("http://127.0.0.1:1/v1", "http://localhost/v1", "http://[::1]:8000"):
        assert warn_of_sending(url) == ""
    assert warn_of_sending("https://example.org/v1") == (
        "warning: judge https://example.org/v1: the texts of the rows that it judges leave this machine: they are "
        "sent to example.org"
    )
    assert warn_of_sending("http://10.0.0.7/v1").endswith("10.0.0.7, over a connection that is not encrypted")
    assert warn_of_sending("http://localhost.example.org/v1")


def test_a_failure_on_the_way_leaves_what_was_paid_for(tmp_path, words, refused):
    def reply(text):
        return fail(401, "key expired") if len(server.requests) > 20 else is_red(text)

    with JudgeServer(reply) as server:
        assert "rejected the key (401: key expired)" in refused(main, words(server.url, "--no-page"))
        assert len(read_answers(tmp_path)) == 20


def test_of_several_concepts_each_has_an_instruction(tmp_path, words, refused, capsys):
    def reply(text):
        colors = {"Is it red?": "red", "Is it green?": "green"}
        system = server.requests[-1]["messages"][0]["content"]
        return YES if colors[system.splitlines()[0]] in text.split() else NO

    with JudgeServer(reply) as server:
        base = words(server.url, "--no-page", "--judge-parallel", "1")
        one = base.index("--instruction")
        base = [*base[:one], *base[one + 2 :]]
        like = base.index("--like")
        base = [*base[:like], *base[like + 2 :]]
        named = [*base, "--concept", "red", "--concept", "green", "--like", "red=a red thing", "--like", "green=green"]
        both = ["--instruction", "red=Is it red?", "--instruction", "green=Is it green?"]
        for given, problem in (
            (["--instruction", "Is it red?"], "write it as NAME=TEXT, with the name of a concept: red, green"),
            (["--instruction", "blue=Is it blue?"], "write it as NAME=TEXT, with the name of a concept: red, green"),
            (["--instruction", "red="], "write it as NAME=TEXT"),
            (
                [*both, "--instruction", "red=Is it?"],
                "--instruction 'red=Is it?': is the second instruction for its concept",
            ),
        ):
            assert problem in refused(main, [*named, *given])
            assert not (tmp_path / "t.seals").exists()
        assert server.requests == []
        main([*named, *both])
        said = capsys.readouterr()
        assert "red: judge:small-model has answered 30 rows in 30 calls, 20 of them yes." in said.out
        assert "green: judge:small-model has answered 30 rows in 30 calls" in said.out
        main([*base, *both])  # the names are in the file
        assert len(server.requests) == 60
        for file in SessionFile.read_all(tmp_path / "t.seals"):
            table = file.build_labels_table()
            right = [int(file.concept in text.split()) for text in table["text"]]
            assert table["answer"].tolist() == right
        alone = ["--instruction", "green=Is it green?", "--judge-budget", "62"]
        main([*base[: base.index("--judge-budget")], *base[base.index("--judge-budget") + 2 :], *alone])
        assert f"{WHO} has no instruction for red; left to you" in capsys.readouterr().err
        assert len(server.requests) == 62


def test_one_concept_has_one_instruction(words, refused):
    with JudgeServer(is_red) as server:
        said = refused(main, words(server.url, "--no-page", "--instruction", "Is it new?"))
        assert said.startswith("error: --instruction 'Is it new?': is one too many: this session has one concept")
