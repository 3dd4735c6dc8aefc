"""Other programs can't outlive, outgrow or outlast us."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from jobs.pipeline.errors import PipelineError, ProviderFailed, Stopped
from jobs.pipeline.process import ROOT, Child, heavy, run

CHILD = "tests.pipeline.echo_child"


def processes_with(mark: str) -> list[int]:
    """Processes that have `mark` as one of their words."""
    return [
        process.pid
        for process in psutil.process_iter(["cmdline", "status"])
        if mark in (process.info["cmdline"] or []) and process.info["status"] != "zombie"
    ]


def wait_until_gone(mark: str) -> bool:
    """True as soon as no process has the mark; False after ten seconds."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if not processes_with(mark):
            return True
        threading.Event().wait(0.05)
    return False


def test_output_and_exit_code_of_a_program_come_back() -> None:
    finished = run(["sh", "-c", "echo out; echo err >&2; exit 3"], deadline=10)

    assert finished.stdout == b"out\n"
    assert finished.stderr == b"err\n"
    assert finished.code == 3


def test_a_program_that_is_not_there_ends_with_127() -> None:
    assert run(["no-such-program-here"], deadline=10).code == 127


def test_a_program_reads_the_bytes_that_it_is_given() -> None:
    sent = os.urandom(3_000_000)

    assert run(["cat"], deadline=10, stdin=sent).stdout == sent


def test_at_the_deadline_the_whole_group_is_killed() -> None:
    mark = "3600.125"

    with pytest.raises(PipelineError) as caught:
        run(["sh", "-c", f"sleep {mark} & sleep {mark}"], deadline=0.3)

    assert caught.value.code == "OUT_OF_TIME"
    assert wait_until_gone(mark)


def test_a_stop_ends_the_program_and_is_passed_on() -> None:
    mark = "3600.25"

    def stop() -> None:
        if processes_with(mark):
            raise Stopped

    with pytest.raises(Stopped):
        run(["sleep", mark], deadline=60, stop=stop)

    assert wait_until_gone(mark)


def test_what_a_program_leaves_behind_in_its_group_is_ended() -> None:
    mark = "3600.375"

    run(["sh", "-c", f"sleep {mark} & echo done"], deadline=10)

    assert wait_until_gone(mark)


def test_a_program_dies_with_us() -> None:
    mark = "3600.5"
    script = f"from jobs.pipeline.process import run; run(['sleep', '{mark}'], deadline=60)"
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT)
    while not processes_with(mark):
        assert parent.poll() is None

    parent.send_signal(signal.SIGKILL)
    parent.wait()

    assert wait_until_gone(mark)


def test_a_program_started_by_a_thread_outlives_that_thread() -> None:
    with Child(CHILD, deadline=30) as child:
        first: list[int] = []
        thread = threading.Thread(target=lambda: first.append(child.ask({"do": "pid"})["pid"]))
        thread.start()
        thread.join()

        second = child.ask({"do": "pid"})["pid"]

    assert [second] == first


def test_a_program_can_not_take_more_memory_than_allowed() -> None:
    hungry = "bytearray(800_000_000)"

    finished = run([sys.executable, "-c", hungry], deadline=20, memory=400_000_000)

    assert finished.code != 0
    assert b"MemoryError" in finished.stderr


def test_a_program_can_not_write_more_than_allowed(tmp_path: Path) -> None:
    out = tmp_path / "big"

    finished = run(
        ["dd", "if=/dev/zero", f"of={out}", "bs=1000", "count=100"], deadline=10, file_size=5000
    )

    assert finished.code != 0
    assert out.stat().st_size <= 5000


def test_a_program_can_not_burn_more_cpu_than_allowed() -> None:
    finished = run([sys.executable, "-c", "while True: pass"], deadline=30, cpu=1)

    assert finished.code in {-signal.SIGXCPU, -signal.SIGKILL}


def test_a_program_sees_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_test_a_secret")

    seen = run(["env"], deadline=10).stdout

    assert b"a_secret" not in seen
    assert b"PATH=" in seen


def test_only_the_end_of_a_long_log_is_kept() -> None:
    finished = run(["sh", "-c", "yes line | head -n 200000 >&2; echo last >&2"], deadline=20)

    assert finished.stderr.endswith(b"last\n")
    assert len(finished.stderr) <= 65536


def test_an_endless_answer_is_refused() -> None:
    with pytest.raises(PipelineError) as caught:
        run(["yes"], deadline=60)

    assert caught.value.code == "MEDIA_TOOL"


def test_a_child_answers_question_after_question() -> None:
    with Child(CHILD, deadline=30) as child:
        answers = [child.ask({"do": "echo", "text": f"é{number}"}) for number in range(3)]

    assert answers == [{"text": "é0"}, {"text": "é1"}, {"text": "é2"}]


def test_what_a_library_prints_does_not_disturb_a_child() -> None:
    with Child(CHILD, deadline=30) as child:
        answer = child.ask({"do": "print", "text": "noise"})

    assert answer == {"text": "noise"}


def test_a_childs_own_error_arrives_with_its_code_and_fields() -> None:
    with Child(CHILD, deadline=30) as child, pytest.raises(ProviderFailed) as caught:
        child.ask({"do": "fail"})

    assert caught.value.code == "MODEL_MISSING"
    assert "base" in str(caught.value)


def test_a_child_that_crashes_is_an_engine_that_failed_and_the_next_question_works() -> None:
    with Child(CHILD, deadline=30, engine="Echo") as child:
        with pytest.raises(ProviderFailed) as caught:
            child.ask({"do": "crash"})
        answer = child.ask({"do": "echo", "text": "again"})

    assert caught.value.code == "ENGINE_FAILED"
    assert "a bug of its own" in caught.value.detail
    assert answer == {"text": "again"}


def test_a_child_that_hangs_is_killed_at_its_deadline() -> None:
    with Child(CHILD, deadline=30) as child:
        pid = child.ask({"do": "pid"})["pid"]
        with pytest.raises(PipelineError) as caught:
            child.ask({"do": "hang"}, deadline=0.3)

    assert caught.value.code == "OUT_OF_TIME"
    assert not psutil.pid_exists(pid)


def test_a_child_is_gone_when_its_block_is_left() -> None:
    with Child(CHILD, deadline=30) as child:
        pid = child.ask({"do": "pid"})["pid"]

    assert not psutil.pid_exists(pid)


def test_several_threads_take_turns_at_one_child() -> None:
    with Child(CHILD, deadline=30) as child:
        answers: dict[int, str] = {}

        def ask(number: int) -> None:
            answers[number] = child.ask({"do": "echo", "text": str(number)})["text"]

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert answers == {number: str(number) for number in range(8)}


def test_one_heavy_child_runs_on_a_machine_at_a_time(tmp_path: Path) -> None:
    looks = 0

    def stop() -> None:
        nonlocal looks
        looks += 1
        raise Stopped

    with heavy(tmp_path), pytest.raises(Stopped), heavy(tmp_path, stop=stop):
        pass

    assert looks == 1


def test_a_heavy_place_is_free_again_after_use(tmp_path: Path) -> None:
    with heavy(tmp_path):
        pass

    with heavy(tmp_path), heavy(tmp_path, count=2):
        held = True

    assert held
