"""On a machine that takes orders from others no order says what a Beam runner runs, or whom it trusts."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from schemas.cluster import CLUSTER
from schemas.orders import RegenerateCorpus, TrainQamat
from schemas.places import ROOTS

FLINK = ("--flink_master=HOST:8081", "--environment_type=EXTERNAL", "--environment_config=localhost:50000")
ORDERED = (
    ("--job_server_java_launcher=/bin/sh", "--job_server_jvm_properties=-c", "--job_server_jvm_properties=touch x"),
    ("--flink_job_server_jar=/etc/hostname",),
    ("--setup_file=./setup.py",),
    ("--environment_type=PROCESS", '--environment_config={"command": "/bin/sh"}'),
    ("--environment_type=DOCKER", "--environment_config=elsewhere/image"),
    ("--job_endpoint=embed", "--environment_type=LOOPBACK"),  # lets anybody on the network into the process
    ("--job_endpoint=elsewhere:8099",),  # which may ask for any file of the worker
    ("--parallelism=2",),
)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(ROOTS, str(tmp_path))
    monkeypatch.setenv("QAMAT_HOME", str(tmp_path))
    monkeypatch.setenv(CLUSTER, " ".join(["FlinkRunner", *FLINK]))
    return tmp_path


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("options", ORDERED)
@pytest.mark.parametrize("runner", ["PortableRunner", "FlinkRunner", "SparkRunner", "DataflowRunner"])
def test_an_order_gives_no_options(runner: str, options: tuple[str, ...]):
    for form in (RegenerateCorpus, TrainQamat):
        with pytest.raises(ValidationError, match="runner_options cannot be ordered where QAMAT_ROOTS is set"):
            form.model_validate({"runner": runner, "runner_options": options})


@pytest.mark.usefixtures("root")
def test_the_machine_names_its_cluster():
    resources = RegenerateCorpus(runner="FlinkRunner").resources()
    assert (resources.runner, resources.runner_options) == ("FlinkRunner", FLINK)
    assert RegenerateCorpus().resources().runner_options == ()


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("runner", ["PortableRunner", "SparkRunner", "DataflowRunner"])
def test_no_other_is_ordered(runner: str):
    """Without options these open the process to the network, or start programs of their own."""
    with pytest.raises(ValidationError, match=f"runner {runner} cannot be ordered here: .* names FlinkRunner"):
        RegenerateCorpus.model_validate({"runner": runner})


def test_a_machine_without_a_cluster_has_none(root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(CLUSTER)
    with pytest.raises(ValidationError, match="QAMAT_CLUSTER of the worker names no cluster"):
        RegenerateCorpus(runner="FlinkRunner")
    assert RegenerateCorpus(workers=3).resources().workers == 3


def test_a_person_on_a_machine_of_their_own_gives_any(root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(ROOTS)
    for options in ORDERED:
        order = RegenerateCorpus(runner="PortableRunner", runner_options=options)
        assert order.resources().runner_options == options
