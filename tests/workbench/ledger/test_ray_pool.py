"""A pool on Ray keeps the promises of the others: on Ray itself where it is installed, and on a stand-in everywhere."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from minimand.errors import InputError
from minimand.extras import MissingExtraError
from minimand.workbench.compare.options import Options
from minimand.workbench.ledger import TaskFailed, WorkerError, open_pool, run_tasks
from minimand.workbench.ledger.ray_bridge import versions

pytestmark = pytest.mark.skipif(os.name == "nt", reason="kills by POSIX signals")

# What the pool asks of Ray, with threads as workers: how a task ends is told by its name.
STAND_IN = """
import os, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

from ray import exceptions

objects, lives, threads, known = {}, {}, ThreadPoolExecutor(8), []
at_work, most = 0, 0
lock = threading.Lock()


def init(address, **options):
    if address == "auto":
        raise ConnectionError("Could not find any running Ray instance. Please specify the one to connect to.")
    if address == "nowhere:1":
        time.sleep(60)
    if address == "fatal:1":
        os._exit(1)
    if address == "local":
        assert options["include_dashboard"] is False
        assert options["_node_ip_address"] == "127.0.0.1"
        assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
        assert os.environ["OMP_NUM_THREADS"] == "1"
        assert len(os.environ["RAY_AUTH_TOKEN"]) == 64
    known.append({"NodeID": "head", "Alive": True, "Resources": {"CPU": float(options.get("num_cpus", 3))}})


def shutdown():
    pass


def nodes():
    return known


def get_runtime_context():
    return SimpleNamespace(get_node_id=lambda: "head")


def put(value):
    objects[len(objects)] = value
    return len(objects) - 1


def get(reference):
    return objects[reference]


class remote:
    def __init__(self, num_cpus, max_retries):
        assert (num_cpus, max_retries) == (1, 0)

    def __call__(self, function):
        self.function = function
        return self

    def options(self, name):
        self.name = name
        return self

    def remote(self, *arguments):
        name, function = self.name, self.function
        return SimpleNamespace(future=lambda: threads.submit(work, name, function, arguments))


def work(name, function, arguments):
    global at_work, most
    if name == "shrinks":
        known[0]["Resources"] = {}
        time.sleep(5)
        known[0]["Resources"] = {"CPU": 1.0}
    if name == "node ends":
        known[0]["Alive"] = False
        time.sleep(60)
    if name == "bridge ends":
        os._exit(1)
    if name == "no minimand":
        raise exceptions.RayTaskError("Traceback ...\\nModuleNotFoundError: No module named 'minimand'")
    lives[name] = lives.get(name, 0) + 1
    if name.startswith("dies") and lives[name] <= int(name.split()[1]):
        raise exceptions.WorkerCrashedError("The worker died unexpectedly while executing this task.")
    with lock:
        at_work += 1
        most = max(most, at_work)
    try:
        return function(*arguments)
    finally:
        with lock:
            at_work -= 1
"""
EXCEPTIONS = """
class RayError(Exception): pass
class RayTaskError(RayError): pass
class WorkerCrashedError(RayError): pass
"""
TASKS = '''
import os, signal, sys, time
from pathlib import Path

from minimand.errors import InputError

SHARED = []


def prepare(*items):
    SHARED[:] = items


def prepare_wrongly():
    raise OSError("no such disk")


def square(number):
    return {"value": number * number / 3, "shared": list(SHARED), "threads": os.environ["OMP_NUM_THREADS"]}


def most_at_once(payload):
    time.sleep(0.05)
    return {"most": sys.modules["ray"].most}


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


def spin(folder):
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(600)
'''


def import_tasks(folder, monkeypatch):
    name = f"ray_tasks_{abs(hash(str(folder)))}"
    (folder / f"{name}.py").write_text(TASKS)
    monkeypatch.syspath_prepend(folder)
    return __import__(name)


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """The stand-in in Ray's place, also for the process that is started; the module of tasks."""
    folder = tmp_path / "modules"
    package = folder / "ray"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(STAND_IN)
    (package / "exceptions.py").write_text(EXCEPTIONS)
    return import_tasks(folder, monkeypatch)


@pytest.fixture(scope="module")
def ray_itself(tmp_path_factory):
    """A pool on a cluster of two processors that all tests below share, and its module of tasks."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("ray is not installed: pip install '.[ray]'")
    with pytest.MonkeyPatch.context() as patch:
        tasks = import_tasks(tmp_path_factory.mktemp("modules"), patch)
        with open_pool(2, ray="local", initializer=tasks.prepare, initargs=("a", "x" * 3_000_000)) as pool:
            yield pool, tasks


def results_of(pool, function, tasks, **options):
    results = {}

    def keep(key, result):
        assert key not in results
        results[key] = result

    error = None
    try:
        pool.run(function, tasks, on_result=keep, **options)
    except Exception as caught:
        error = caught
    return results, error


@pytest.mark.parametrize("address", ["local", "auto", "ray://head:10001", "head.example.org:6379", "10.0.0.1:6379"])
def test_addresses(address):
    assert Options(ray=address).ray == address
    assert Options(ray=address).digest() == Options().digest()


@pytest.mark.parametrize("address", ["", "here", "ray://head", "http://head:1", "head:port", "a b:1"])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(InputError, match="--ray must be local, auto, HOST:PORT or ray://HOST:PORT, got"):
        Options(ray=address)


def test_trainings_on_ray_take_processors():
    with pytest.raises(InputError, match="leave --device cuda away"):
        Options(ray="auto", device="cuda")


def test_ray_missing_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"this needs ray, .* pip install 'minimand\[ray\]'"):
        open_pool(ray="local")


def test_results_are_those_of_this_process_each_once(stand_in):
    numbers = [(str(number), number) for number in range(30)]
    shared = {"initializer": stand_in.prepare, "initargs": ("a", "x" * 300_000)}
    here, there = {}, {}
    run_tasks(stand_in.square, numbers, workers=1, on_result=here.__setitem__, **shared)
    stand_in.SHARED.clear()
    run_tasks(stand_in.square, iter(numbers), workers=2, ray="local", on_result=there.__setitem__, **shared)
    assert there == here


def test_no_tasks_join_nothing(stand_in):
    run_tasks(stand_in.square, [], workers=2, ray="auto", on_result=print)


@pytest.mark.parametrize(("address", "processors"), [("local", 2), ("head:6379", 3)])
def test_no_more_tasks_are_in_flight_than_there_are_processors(stand_in, address, processors):
    with open_pool(2, ray=address) as pool:
        assert pool.workers == processors
        results, error = results_of(pool, stand_in.most_at_once, [(str(n), n) for n in range(12)])
    assert error is None
    assert max(result["most"] for result in results.values()) == processors


def test_tasks_are_looked_up_as_processors_become_free(stand_in):
    taken = []
    numbers = ((taken.append(n), (str(n), n))[1] for n in range(1000))
    with open_pool(2, ray="local") as pool:
        results, error = results_of(pool, stand_in.square, numbers, should_stop=lambda: len(taken) >= 6)
    assert error is None
    assert sorted(map(int, results)) == taken
    assert 6 <= len(taken) <= 7


def test_a_task_whose_worker_dies_is_done_again(stand_in, caplog):
    with open_pool(2, ray="local") as pool:
        results, error = results_of(pool, stand_in.square, [("a", 1), ("dies 2 times", 2), ("b", 3)])
        assert error is None
        assert {key: result["value"] for key, result in results.items()} == {"a": 1 / 3, "dies 2 times": 4 / 3, "b": 3}
        assert "a Ray worker ended (it crashed or was killed) during the task 'dies 2 times'" in caplog.text
        _, error = results_of(pool, stand_in.square, [("dies 9 times", 2)])
    assert isinstance(error, WorkerError)
    assert "the task 'dies 9 times' ended its worker process 3 times (it crashed or was killed at last)" in str(error)


@pytest.mark.parametrize("end", ["node ends", "bridge ends"])
def test_a_lost_cluster_is_said_in_a_sentence_and_what_was_finished_is_kept(stand_in, end):
    with open_pool(2, ray="local") as pool:
        results, error = results_of(pool, stand_in.square, [("a", 1), ("b", 2), (end, 3), ("c", 4)])
        assert isinstance(error, WorkerError)
        assert error.exit_code == 3
        assert "the Ray cluster local was lost (" in str(error)
        assert "give the same command to go on, with or without --ray" in str(error)
        assert {"a"} <= set(results) <= {"a", "b", "c"}
        assert results_of(pool, stand_in.square, [("d", 3)])[0]["d"]["value"] == 3  # joined once more


def test_a_cluster_without_processors_is_waited_for(stand_in, caplog):
    with open_pool(2, ray="local") as pool:
        results, error = results_of(pool, stand_in.square, [("a", 1), ("shrinks", 2), ("b", 3), ("c", 4), ("d", 5)])
        assert error is None
        assert len(results) == 5
    assert "the Ray cluster local has no processor now: waiting for one" in caplog.text


def test_a_cluster_that_cannot_be_joined_is_said(stand_in, monkeypatch):
    with pytest.raises(
        WorkerError, match=r"auto cannot be joined .ConnectionError: Could not find any running Ray inst"
    ):
        run_tasks(stand_in.square, [("a", 1)], workers=1, ray="auto", on_result=print)
    with pytest.raises(WorkerError, match="fatal:1 cannot be joined: is it running"):
        run_tasks(stand_in.square, [("a", 1)], workers=1, ray="fatal:1", on_result=print)
    monkeypatch.setattr("minimand.workbench.ledger.ray_pool._SECONDS_TO_JOIN", 1.0)
    monkeypatch.setattr("minimand.workbench.ledger.ray_pool._SECONDS_TO_LEAVE", 0.1)
    with pytest.raises(WorkerError, match="it has not answered in 1 seconds"):
        run_tasks(stand_in.square, [("a", 1)], workers=1, ray="nowhere:1", on_result=print)


def test_machines_without_minimand_or_with_other_versions_are_refused(stand_in, monkeypatch):
    with open_pool(2, ray="local") as pool:
        _, error = results_of(pool, stand_in.square, [("no minimand", 1)])
    assert isinstance(error, InputError)
    assert "cannot load what it was sent (ModuleNotFoundError: No module named 'minimand')" in str(error)
    assert set(versions()) == {"Python", "minimand", "torch", "numpy", "scipy", "scikit-learn"}
    assert all("+" not in version for version in versions().values())


def test_a_worker_that_cannot_be_prepared_is_said(stand_in):
    with pytest.raises(WorkerError, match="a Ray worker could not be set up: OSError: no such disk"):
        run_tasks(
            stand_in.square, [("a", 1)], workers=1, ray="local", initializer=stand_in.prepare_wrongly, on_result=print
        )


def test_ray_itself_runs_what_this_process_would(ray_itself):
    pool, tasks = ray_itself
    assert pool.workers == 2
    results, error = results_of(pool, tasks.square, [(str(number), number) for number in range(30)])
    assert error is None
    shared = ["a", "x" * 3_000_000]
    assert results == {str(n): {"value": n * n / 3, "shared": shared, "threads": "1"} for n in range(30)}


def test_ray_itself_does_again_what_a_killed_worker_was_doing(ray_itself, tmp_path):
    pool, tasks = ray_itself
    jobs = [(name, (str(tmp_path), name, times)) for name, times in (("a", 0), ("b", 2), ("c", 0), ("d", 1))]
    results, error = results_of(pool, tasks.die_at_first, jobs)
    assert error is None
    assert {key: result["attempt"] for key, result in results.items()} == {"a": 0, "b": 2, "c": 0, "d": 1}
    _, error = results_of(pool, tasks.die_at_first, [("poison", (str(tmp_path), "poison", 99))])
    assert isinstance(error, WorkerError)
    assert len(list(tmp_path.glob("poison-*"))) == 3


@pytest.mark.parametrize(
    ("kind", "type_of_error", "sentence"),
    [
        ("error", TaskFailed, "the task 'fold-3' failed: ZeroDivisionError: number 3"),
        ("exit", TaskFailed, "the task 'fold-3' failed: SystemExit: enough"),
        ("input", InputError, "mend your file"),
    ],
)
def test_ray_itself_tries_a_failed_task_once(ray_itself, kind, type_of_error, sentence):
    pool, tasks = ray_itself
    results, error = results_of(pool, tasks.fail_at, [(f"fold-{n}", (n, 3, kind)) for n in range(50)])
    assert type(error) is type_of_error
    assert str(error) == sentence
    assert {"fold-0", "fold-1"} <= set(results)
    assert len(results) < 8


def test_ray_itself_takes_functions_that_are_in_no_module(ray_itself):
    pool, _ = ray_itself
    results, error = results_of(pool, lambda number: {"value": number + 1}, [("a", 1)])
    assert error is None
    assert results == {"a": {"value": 2}}


def test_a_cluster_of_our_own_stays_on_this_machine_without_dashboard(ray_itself):
    pool, _ = ray_itself
    results_of(pool, lambda number: {}, [("a", 1)])
    children = {pool._process.pid}
    lines = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True).stdout.splitlines()
    pairs = [tuple(map(int, line.split())) for line in lines]
    for _ in range(4):
        children |= {pid for pid, parent in pairs if parent in children}
    assert len(children) > 4
    listening = [address for pid, address in listeners() if pid in children]
    assert listening
    assert {address.rpartition(":")[0] for address in listening} <= {"127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"}
    assert not any(address.endswith(":8265") for address in listening)


def listeners():
    """Process and address of everything that listens for TCP."""
    if not os.path.exists("/proc/net/tcp"):
        pytest.skip("reads /proc")
    sockets = {}
    for table, digits in (("/proc/net/tcp", 8), ("/proc/net/tcp6", 32)):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                host, _, port = fields[1].partition(":")
                loopback = {"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}
                assert len(host) == digits
                sockets[fields[9]] = f"{'127.0.0.1' if host in loopback else host}:{int(port, 16)}"
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            links = [os.readlink(f"/proc/{pid}/fd/{end}") for end in os.listdir(f"/proc/{pid}/fd")]
        except OSError:
            continue
        found += [(int(pid), sockets[link[8:-1]]) for link in links if link[8:-1] in sockets]
    return found


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed: pip install '.[ray]'")
def test_ctrl_c_ends_a_cluster_of_our_own(tmp_path, monkeypatch):
    tasks = import_tasks(tmp_path, monkeypatch)
    script = tmp_path / "driver.py"
    script.write_text(
        textwrap.dedent(f"""
        import sys
        import {tasks.__name__} as tasks
        from minimand.workbench.ledger import run_tasks
        if __name__ == "__main__":
            run_tasks(tasks.spin, [("a", sys.argv[1])], workers=1, ray="local", on_result=print)
        """)
    )
    folder = tmp_path / "pids"
    folder.mkdir()
    command = [sys.executable, str(script), str(folder)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as driver:
        while not list(folder.iterdir()):
            assert driver.poll() is None
            signal.sigtimedwait([], 0.1)
        os.killpg(driver.pid, signal.SIGINT)
        _, errors = driver.communicate(timeout=60)
    assert driver.returncode == -signal.SIGINT
    assert errors.count("Traceback") == 1
    (pid,) = (int(file.name) for file in folder.iterdir())
    for _ in range(100):
        if not os.path.exists(f"/proc/{pid}"):
            break
        signal.sigtimedwait([], 0.1)
    assert not os.path.exists(f"/proc/{pid}")
