"""Workers may die, tasks may fail, the driver may be stopped: every finished result is delivered, once."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from minimand.errors import InputError
from minimand.workbench.ledger import LEDGER_NAME, Ledger, TaskFailed, WorkerError, open_pool, run_tasks

pytestmark = pytest.mark.skipif(os.name == "nt", reason="kills by POSIX signals")

IDENTITY = {"schema": "1"}

# a module of its own, since a worker has to import what it runs
TASKS = '''
import os, signal, sys, time
from pathlib import Path

from minimand.errors import InputError

SHARED = []


def prepare(*items):
    SHARED.extend(items)


def prepare_wrongly():
    raise OSError("no such disk")


def square(number):
    return {"value": number * number / 3, "shared": list(SHARED)}


def loaded(module):
    return {"loaded": module in sys.modules}


def surroundings(payload):
    """Waits until the expected number of processes is at work."""
    folder, processes = payload
    (Path(folder) / str(os.getpid())).touch()
    while len(list(Path(folder).iterdir())) < processes:
        time.sleep(0.01)
    ctrl_c = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    return {"pid": os.getpid(), "threads": os.environ["OMP_NUM_THREADS"], "ctrl_c": ctrl_c}


def die_at_first(payload):
    """Kills its worker the first few times it is called, in mid-task."""
    folder, name, times = payload
    attempt = len(list(Path(folder).glob(f"{name}-*")))
    (Path(folder) / f"{name}-{attempt}").touch()
    if attempt < times:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"attempt": attempt}


def fail_at(payload):
    number, bad, kind = payload
    if number == bad:
        if kind == "input":
            raise InputError("mend your file")
        if kind == "exit":
            sys.exit("enough")
        if kind == "result":
            return {"x": lambda: 0}
        raise ZeroDivisionError(f"number {number}")
    time.sleep(0.05)
    return {"number": number}


def spin(payload):
    """Works for ever, in the way of Python or of the system, and tells by which process."""
    folder, name, how = payload
    (Path(folder) / name).write_text(str(os.getpid()))
    while True:
        if how == "sleep":
            time.sleep(60)


def slow(payload):
    folder, name = payload
    with open(Path(folder) / "log", "a") as log:
        log.write(f"{name}\\n")
    time.sleep(0.03)
    return {"value": name * 0.1}
'''


@pytest.fixture
def tasks(tmp_path, monkeypatch):
    """The module above, importable here and, by the search path that they inherit, in workers."""
    folder = tmp_path / "modules"
    folder.mkdir()
    name = f"ledger_tasks_{abs(hash(str(tmp_path)))}"
    (folder / f"{name}.py").write_text(TASKS)
    monkeypatch.syspath_prepend(folder)
    return __import__(name)


def results_of(function, tasks, **options):
    results = {}
    order = []

    def keep(key, result):
        assert key not in results
        results[key] = result
        order.append(key)

    error = None
    try:
        run_tasks(function, tasks, on_result=keep, **options)
    except Exception as caught:
        error = caught
    return results, order, error


def alive(pid):
    """Whether a process runs; one that has ended but was not asked after by its parent does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] in "ZX")


def end(pids):
    """Leaves nothing running behind a test that failed."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def wait_until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            pytest.fail("waited in vain")
        time.sleep(0.02)


def test_one_and_two_workers_give_the_same_results_each_once(tasks):
    numbers = [(str(number), number) for number in range(30)]
    by_one, order, error = results_of(tasks.square, numbers, workers=1)
    assert error is None
    assert order == [key for key, _ in numbers]
    assert by_one["2"] == {"value": 4 / 3, "shared": []}
    for shuffled in (numbers, numbers[::-1]):
        assert results_of(tasks.square, iter(shuffled), workers=2)[0] == by_one


@pytest.mark.parametrize("workers", [1, 2])
def test_every_worker_is_prepared_once(tasks, workers):
    options = {"initializer": tasks.prepare, "initargs": ("a", "b")}
    results, _, error = results_of(tasks.square, [(str(n), n) for n in range(6)], workers=workers, **options)
    tasks.SHARED.clear()
    assert error is None
    assert {tuple(result["shared"]) for result in results.values()} == {("a", "b")}


def test_workers_are_other_processes_of_one_thread_that_leave_ctrl_c_alone(tasks, tmp_path, monkeypatch):
    folder = tmp_path / "pids"
    folder.mkdir()
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    results, _, _ = results_of(tasks.surroundings, [(str(n), (str(folder), 2)) for n in range(4)], workers=2)
    pids = {result.pop("pid") for result in results.values()}
    assert len(pids) == 2
    assert os.getpid() not in pids
    assert all(result == {"threads": "1", "ctrl_c": True} for result in results.values())
    assert not any(alive(pid) for pid in pids)
    here, _, _ = results_of(tasks.surroundings, [("a", (str(folder), 0))], workers=1)
    assert here["a"] == {"pid": os.getpid(), "threads": "1", "ctrl_c": False}
    assert os.environ["OMP_NUM_THREADS"] == "5"


class FakeTorch:
    """What `run_tasks` asks of torch, without the seconds of loading it."""

    threads = 8

    def get_num_threads(self):
        return self.threads

    def set_num_threads(self, number):
        self.threads = number


def test_one_worker_holds_torch_to_one_thread_and_gives_the_others_back(monkeypatch):
    torch = FakeTorch()
    monkeypatch.setitem(sys.modules, "torch", torch)
    seen = results_of(lambda x: {"threads": torch.threads}, [("a", 0), ("b", 0)], workers=1)[0]
    assert seen == {"a": {"threads": 1}, "b": {"threads": 1}}
    assert torch.threads == 8


def test_large_payloads_and_results_pass(tasks):
    big = "x" * 3_000_000
    results, _, error = results_of(
        tasks.square, [("a", 1), ("b", 2)], workers=2, initializer=tasks.prepare, initargs=(big,)
    )
    assert error is None
    assert results["b"]["shared"] == [big]


def test_no_tasks_start_nothing(tasks):
    assert results_of(tasks.square, [], workers=2) == ({}, [], None)


def test_a_task_whose_worker_is_killed_is_done_again_on_a_fresh_one(tasks, tmp_path):
    jobs = [(name, (str(tmp_path), name, times)) for name, times in (("a", 0), ("b", 2), ("c", 0), ("d", 1), ("e", 0))]
    results, _, error = results_of(tasks.die_at_first, jobs, workers=2)
    assert error is None
    assert {key: result["attempt"] for key, result in results.items()} == {"a": 0, "b": 2, "c": 0, "d": 1, "e": 0}


def test_a_task_that_kills_three_workers_is_named_and_the_others_are_kept(tasks, tmp_path):
    jobs = [(name, (str(tmp_path), name, times)) for name, times in (("a", 0), ("poison", 99), ("c", 0))]
    results, _, error = results_of(tasks.die_at_first, jobs, workers=2)
    assert isinstance(error, WorkerError)
    assert error.exit_code == 3
    assert "the task 'poison' ended its worker process 3 times (SIGKILL" in str(error)
    assert len(list(tmp_path.glob("poison-*"))) == 3
    assert {"a"} <= set(results) <= {"a", "c"}  # c may not have begun


@pytest.mark.parametrize("workers", [1, 2])
def test_an_exception_comes_back_with_its_task_and_traceback(tasks, workers):
    jobs = [(f"fold-{number}", (number, 3, "error")) for number in range(50)]
    results, _, error = results_of(tasks.fail_at, jobs, workers=workers)
    assert isinstance(error, TaskFailed)
    assert (error.key, error.cause, error.exit_code) == ("fold-3", "ZeroDivisionError: number 3", 3)
    assert str(error) == "the task 'fold-3' failed: ZeroDivisionError: number 3"
    assert "in fail_at" in error.traceback
    assert {"fold-0", "fold-1", "fold-2"} <= set(results)
    assert len(results) < 10  # no new task is begun after a failure


@pytest.mark.parametrize("workers", [1, 2])
def test_bad_input_found_by_a_task_stays_bad_input(tasks, workers):
    _, _, error = results_of(tasks.fail_at, [("a", (1, 1, "input"))], workers=workers)
    assert type(error) is InputError
    assert str(error) == "mend your file"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_task_that_exits_has_failed(tasks, workers):
    _, _, error = results_of(tasks.fail_at, [("a", (1, 1, "exit"))], workers=workers)
    assert isinstance(error, TaskFailed)
    assert error.cause == "SystemExit: enough"


def test_a_result_that_cannot_be_sent_has_failed(tasks):
    _, _, error = results_of(tasks.fail_at, [("a", (1, 1, "result"))], workers=2)
    assert isinstance(error, TaskFailed)
    assert "pickle" in error.cause


def test_what_cannot_be_sent_is_refused_with_the_cure(tasks):
    cure = "define it at the top level of an importable module, or use workers=1"
    with pytest.raises(InputError, match=f"lambda> cannot be sent to a worker process: {cure}"):
        run_tasks(lambda x: {}, [("a", 1)], workers=2, on_result=print)
    jobs = [("a", 1), *((f"bad-{n}", lambda: 0) for n in range(5))]
    results, _, error = results_of(tasks.square, jobs, workers=2)
    assert isinstance(error, InputError)
    assert f"the payload of task 'bad-0' cannot be sent to a worker process: {cure}" in str(error)
    assert set(results) <= {"a"}
    assert results_of(lambda x: {"x": x()}, [("a", lambda: 7)], workers=1)[0] == {"a": {"x": 7}}


def test_what_a_worker_cannot_import_is_refused_with_the_cure(tasks, monkeypatch):
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry != str(Path(tasks.__file__).parent)])
    with pytest.raises(
        InputError, match=r"cannot load what it was sent \(ModuleNotFoundError.*\): define it at the top"
    ):
        run_tasks(tasks.square, [("a", 1)], workers=2, on_result=print)


def test_a_worker_that_cannot_be_prepared_is_said(tasks):
    with pytest.raises(WorkerError, match="could not be set up: OSError: no such disk"):
        run_tasks(tasks.square, [("a", 1)], workers=2, initializer=tasks.prepare_wrongly, on_result=print)


@pytest.mark.parametrize("workers", [1, 2])
def test_stopping_finishes_what_is_in_flight_and_begins_nothing(tasks, workers):
    results = {}
    jobs = ((str(number), (number, -1, "")) for number in range(1000))
    run_tasks(
        tasks.fail_at, jobs, workers=workers, on_result=results.__setitem__, should_stop=lambda: len(results) >= 3
    )
    assert 3 <= len(results) <= 3 + workers - 1
    assert "999" in [key for key, _ in jobs]  # the rest was never taken


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_the_receiver_ends_the_work_unchanged(tasks, workers):
    def full(key, result):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        run_tasks(tasks.square, [("a", 1), ("b", 2)], workers=workers, on_result=full)


@pytest.mark.parametrize("workers", [1, 2])
def test_two_tasks_of_one_key_are_refused(tasks, workers):
    with pytest.raises(ValueError, match="two tasks have the key 'a'"):
        run_tasks(tasks.square, [("a", 1), ("a", 2)], workers=workers, on_result=lambda key, result: None)


@pytest.mark.parametrize(
    ("workers", "words"), [(0, "at least 1, got 0"), (1.5, "whole number"), (True, "whole number")]
)
def test_the_number_of_workers_is_checked(tasks, workers, words):
    with pytest.raises(InputError, match=words):
        run_tasks(tasks.square, [], workers=workers, on_result=print)


def start_driver(tasks, body, *arguments, **options):
    """A driver in a process of its own, guarded as a script should be."""
    modules = Path(tasks.__file__).parent
    script = modules / "driver.py"
    head = (
        f"import json, sys\nimport {tasks.__name__} as tasks\nfrom minimand.workbench.ledger import Ledger, run_tasks\n"
    )
    script.write_text(head + textwrap.dedent(body))
    return subprocess.Popen([sys.executable, str(script), *map(str, arguments)], text=True, **options)


SPINNERS = """
    if __name__ == "__main__":
        jobs = [(name, (sys.argv[1], name, name)) for name in ("busy", "sleep")]
        run_tasks(tasks.spin, jobs, workers=2, on_result=print)
"""


def workers_of(folder):
    files = [folder / "busy", folder / "sleep"]
    wait_until(lambda: all(file.exists() and file.read_text() for file in files))
    return [int(file.read_text()) for file in files]


def test_workers_end_when_the_driver_is_killed(tasks, tmp_path):
    with start_driver(tasks, SPINNERS, tmp_path) as driver:
        pids = workers_of(tmp_path)
        assert all(alive(pid) for pid in pids)
        driver.kill()
    try:
        wait_until(lambda: not any(alive(pid) for pid in pids))
    finally:
        end(pids)


def test_ctrl_c_stops_the_driver_and_its_workers_without_their_tracebacks(tasks, tmp_path):
    # to the whole group, as a terminal sends it
    with start_driver(tasks, SPINNERS, tmp_path, stderr=subprocess.PIPE, start_new_session=True) as driver:
        pids = workers_of(tmp_path)
        os.killpg(driver.pid, signal.SIGINT)
        _, errors = driver.communicate(timeout=30)
    assert driver.returncode == -signal.SIGINT
    left = [pid for pid in pids if alive(pid)]
    end(left)
    assert left == []
    assert errors.count("Traceback") == 1


RESUMED = """
    if __name__ == "__main__":
        with Ledger.open(sys.argv[1] + "/ledger.sqlite", identity={"schema": "1"}) as ledger:
            done = set(ledger.keys())

            def keep(key, result):
                ledger.put(key, result)
                print(key, flush=True)

            jobs = [(f"{n:03d}", (sys.argv[1], n)) for n in range(20) if f"{n:03d}" not in done]
            run_tasks(tasks.slow, jobs, workers=int(sys.argv[2]), on_result=keep)
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_run_goes_on_where_it_was_and_repeats_only_what_was_in_flight(tasks, tmp_path, workers):
    for acknowledged in (3, 5):
        with start_driver(tasks, RESUMED, tmp_path, workers, stdout=subprocess.PIPE) as driver:
            for _ in range(acknowledged):
                driver.stdout.readline()
            driver.kill()
    with start_driver(tasks, RESUMED, tmp_path, workers) as driver:
        assert driver.wait() == 0
    with Ledger.read(tmp_path / LEDGER_NAME) as ledger:
        assert dict(ledger.items()) == {f"{n:03d}": {"value": n * 0.1} for n in range(20)}
    begun = [int(line) for line in (tmp_path / "log").read_text().split()]
    assert sorted(set(begun)) == list(range(20))
    assert len(begun) <= 20 + 2 * (workers + 1)  # two kills: the tasks in flight, and the one being written down


def test_a_script_without_a_guard_is_told_what_to_change(tasks, tmp_path):
    body = """
    try:
        run_tasks(tasks.square, [("a", 1)], workers=2, on_result=print)
    except ValueError as error:
        print(json.dumps(str(error)))
    """
    with start_driver(tasks, body, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as driver:
        output, errors = driver.communicate(timeout=60)
    assert 'put the call under `if __name__ == "__main__":`, or use workers=1' in json.loads(output)
    assert errors == ""


def test_a_script_that_fails_when_imported_again_is_told_of_the_guard(tasks, tmp_path):
    body = """
    if __name__ != "__main__":
        raise OSError("the ledger is in use")
    run_tasks(tasks.square, [("a", 1)], workers=2, on_result=print)
    """
    with start_driver(tasks, body, stderr=subprocess.PIPE) as driver:
        _, errors = driver.communicate(timeout=60)
    assert "WorkerError: a worker process ended (exit code 1) before it could start" in errors


def test_a_pool_keeps_its_workers_from_one_run_to_the_next(tasks, tmp_path):
    folders = [tmp_path / "one", tmp_path / "two"]
    pids, values = [], {}
    with open_pool(2, initializer=tasks.prepare, initargs=("a",)) as pool:
        assert pool.workers == 2
        for folder in folders:
            folder.mkdir()
            found = {}
            pool.run(tasks.surroundings, [(str(n), (str(folder), 2)) for n in range(4)], on_result=found.__setitem__)
            pids.append({result["pid"] for result in found.values()})
        pool.run(tasks.square, [(str(n), n) for n in range(4)], on_result=values.__setitem__)
        assert all(alive(pid) for pid in pids[0])
    assert pids[0] == pids[1]
    assert len(pids[0]) == 2
    assert {tuple(result["shared"]) for result in values.values()} == {("a",)}  # prepared once, not once a run
    assert not any(alive(pid) for pid in pids[0])


def test_a_pool_goes_on_after_a_failure_and_after_a_worker_was_killed_between_two_runs(tasks, tmp_path):
    found = {}
    with open_pool(2) as pool:
        with pytest.raises(TaskFailed, match="number 1"):
            pool.run(tasks.fail_at, [("a", (1, 1, "error"))], on_result=found.__setitem__)
        pool.run(tasks.surroundings, [(str(n), (str(tmp_path), 2)) for n in range(2)], on_result=found.__setitem__)
        os.kill(found.pop("0")["pid"], signal.SIGKILL)
        with pytest.raises(OSError, match="disk full"):
            pool.run(tasks.square, [("a", 1)], on_result=lambda key, result: raise_disk_full())
        pool.run(tasks.square, [(str(n), n) for n in range(6)], on_result=found.__setitem__)
    assert [found[str(n)]["value"] for n in range(6)] == [n * n / 3 for n in range(6)]


def raise_disk_full():
    raise OSError("disk full")


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_may_be_started_before_it_is_known_what_they_share(tasks, workers):
    found = {}
    with open_pool(workers, modules=("wave", "no_such_module")) as pool:
        pool.start()
        pool.prepare(tasks.prepare, ("late",))
        pool.run(tasks.square, [("a", 1)], on_result=found.__setitem__)
        pool.run(tasks.loaded, [("wave", "wave")], on_result=found.__setitem__)
    tasks.SHARED.clear()
    assert found["a"]["shared"] == ["late"]
    assert found["wave"]["loaded"] is (workers == 2)


def test_what_cannot_be_shared_is_refused_at_once():
    with pytest.raises(InputError, match="print with its arguments cannot be sent to a worker process"):
        open_pool(2, initializer=print, initargs=(lambda: 0,))
