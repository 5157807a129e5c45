"""What an order may tell a Beam runner on a machine that takes orders from others: nothing that runs a program."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from schemas.cluster_options import allowed_options
from schemas.orders import RegenerateCorpus
from schemas.places import ROOTS

RUNS_SOMETHING = (
    ("--job_server_java_launcher=/bin/sh", "--job_server_jvm_properties=-c", "--job_server_jvm_properties=touch x"),
    ("--flink_job_server_jar=/etc/hostname",),
    ("--spark_job_server_jar=http://elsewhere/x.jar",),
    ("--beam_services={}",),
    ("--setup_file=./setup.py",),
    ("--requirements_file=/tmp/r.txt",),
    ("--extra_package=/tmp/x.whl",),
    ("--pickle_library=dill",),
    ("--save_main_session",),
    ("--environment_type=PROCESS", '--environment_config={"command": "/bin/sh"}'),
    ("--environment_type=DOCKER", "--environment_config=elsewhere/image:50000"),
    ("--environment_config=image:50000",),
    ("--environment_type=EXTERNAL", "--environment_type=DOCKER", "--environment_config=image:50000"),
    ("--environment_type", "DOCKER"),
    ("--environment_type=EXTERNAL", "--environment_config=image:50000 --privileged"),
    ("--environment_options=process_command=/bin/sh",),
    ("--sdk_container_image=elsewhere/image",),
    ("--job_server_java_l=/bin/sh",),
    ("--parallelism=1;id",),
    ("--flink_master=-Dx:1",),
    ("-parallelism=1",),
    ("parallelism=1",),
    ("--",),
    ("",),
)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(ROOTS, str(tmp_path))
    monkeypatch.delenv("QAMAT_HOME", raising=False)
    return tmp_path


@pytest.mark.parametrize("options", RUNS_SOMETHING)
def test_an_order_cannot_name_what_is_run(options: tuple[str, ...], root: Path):
    with pytest.raises(
        ValidationError, match=r"may not be ordered where QAMAT_ROOTS is set|says nothing alone"
    ) as refused:
        RegenerateCorpus(home=str(root), runner="FlinkRunner", runner_options=options)
    (fault,) = refused.value.errors()
    assert "\n" not in fault["msg"]


@pytest.mark.parametrize(
    "options",
    [
        ("--flink_master=jobmanager:8081", "--flink_version=1.20", "--parallelism=16", "--flink_submit_uber_jar"),
        ("--flink_master=[auto]", "--max_parallelism=128", "--sdk_worker_parallelism=2"),
        ("--job_endpoint=embed", "--environment_type=EXTERNAL", "--environment_config=localhost:50000"),
        ("--job_endpoint=10.0.0.1:8099", "--environment_type=LOOPBACK"),
        ("--spark_master_url=spark://host:7077", "--spark_rest_url=http://host:6066", "--spark_submit_uber_jar"),
        ("--spark_master_url=local[4]",),
        (),
    ],
)
def test_addresses_and_numbers_can_be_ordered(options: tuple[str, ...], root: Path):
    assert RegenerateCorpus(home=str(root), runner="FlinkRunner", runner_options=options).runner_options == options


def test_a_folder_of_artifacts_lies_below_a_root(root: Path):
    assert allowed_options((f"--artifacts_dir={root}/staged",))
    with pytest.raises(ValueError, match="lies under none of QAMAT_ROOTS"):
        allowed_options(("--artifacts_dir=/etc",))


def test_a_person_on_a_machine_of_their_own_gives_any(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(ROOTS, raising=False)
    for options in RUNS_SOMETHING:
        assert allowed_options(options) == options
