"""What does not belong into a name or a path is refused in one line, from the UI's form and from the command line."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.utilities.callables import parameter_schema
from prefect.utilities.importtools import import_object
from prefect.utilities.schema_tools.validation import is_valid_schema, validate
from pydantic import BaseModel, ValidationError

from flows.corpus import regenerate_corpus
from schemas.artifacts import NAME
from schemas.order_forms import PublicT5
from schemas.orders import EditMemory, Evaluate, ImportPairs, RegenerateCorpus, TrainQamat
from schemas.places import ROOTS
from schemas.study_orders import HumanTrack, Reproduce

PROJECT = Path(__file__).parents[2]
PAYLOADS = (
    "world; touch taken-over",
    "$(touch taken-over)",
    "`touch taken-over`",
    "world && touch taken-over",
    "| touch taken-over",
    "${HOME}",
    "%(home)s",
    "{0.__class__}",
    "{{ 7 * 7 }}",
    "{% include '/etc/passwd' %}",
    "<script>alert(1)</script>",
    "' OR '1'='1",
    "world'; DROP TABLE flow_run; --",
    "../../etc/passwd",
    "..\\..\\windows",
    "%2e%2e%2fetc",
    "/etc/passwd",
    "~/.ssh/id_rsa",
    "file:///etc/passwd",
    "http://169.254.169.254/latest/meta-data",
    "s3://somebody-else/home",
    "world\x00.jsonl",
    "world\r\nSet-Cookie: a=b",
    "\x1b]0;taken over\x07",
    "\u202edlrow",
    "\ufeffworld",
    "w\u043erld",
    "WORLD",
    "-rf",
    "--home=/etc",
    "world@0",
    "a" * 65,
)


def _deployments() -> list[dict[str, Any]]:
    return yaml.safe_load((PROJECT / "prefect.yaml").read_text())["deployments"]


def _flow(deployment: dict[str, Any]) -> Any:
    module, _, name = deployment["entrypoint"].rpartition(".")
    return import_object(f"{module}:{name}")


def _order(flow: Any) -> type[BaseModel]:
    return flow.fn.__annotations__["order"]


def _names(schema: dict[str, Any]) -> Iterator[str]:
    """Give the fields of an order that are one name, or none."""
    for field, found in schema["properties"].items():
        if any(part.get("pattern") == NAME for part in (found, *found.get("anyOf", ()))):
            yield field


def _cases() -> list[Any]:
    return [
        pytest.param(deployment, field, id=f"{deployment['name']}-{field}")
        for deployment in _deployments()
        if not deployment["name"].startswith("reproduce-") or deployment["name"] == "reproduce-paper"
        for field in _names(_order(_flow(deployment)).model_json_schema())
    ]


@pytest.mark.parametrize(("deployment", "field"), _cases())
def test_the_form_and_the_flow_refuse_what_is_no_name(deployment: dict[str, Any], field: str):
    flow = _flow(deployment)
    schema = parameter_schema(flow).model_dump_for_openapi()
    is_valid_schema(schema)
    for payload in PAYLOADS:
        order = {**deployment["parameters"]["order"], field: payload}
        with pytest.raises(ValidationError, match=field):
            _order(flow)(**order)
        assert _refused({"order": order}, schema), f"{payload!r} passes the form"


INSIDE: dict[str, Callable[[str], dict[str, Any]]] = {
    "imported": lambda name: {"imported": [name]},
    "extraction": lambda name: {"generators": {"extraction": name}},
    "generation": lambda name: {"generators": {"generation": name}},
    "comprehension": lambda name: {"generators": {"comprehension": name}},
}


@pytest.mark.parametrize("field", INSIDE)
def test_they_look_into_lists_and_parts_too(field: str):
    schema = parameter_schema(regenerate_corpus).model_dump_for_openapi()
    for payload in PAYLOADS:
        order = INSIDE[field](payload)
        with pytest.raises(ValidationError, match=field):
            RegenerateCorpus.model_validate(order)
        assert _refused({"order": order}, schema), f"{payload!r} passes the form"
    assert not _refused({"order": INSIDE[field]("world")}, schema)


@pytest.mark.parametrize("payload", [one for one in PAYLOADS if not re.fullmatch(r"[\w./-]+", one, re.ASCII)])
def test_a_revision_is_a_branch_a_tag_or_a_commit(payload: str):
    with pytest.raises(ValidationError, match="revision"):
        PublicT5(source="org/t5", revision=payload)


def _refused(parameters: dict[str, Any], schema: dict[str, Any]) -> bool:
    """Say whether the Prefect server refuses parameters before it makes a run."""
    return bool(list(validate(parameters, schema, raise_on_error=False)))


PLACES = [payload for payload in PAYLOADS if payload.startswith(("../", "/etc", "file:", "http:", "s3:"))] + [
    payload for payload in PAYLOADS if any(ord(letter) < 32 for letter in payload)
]


def _file(path: str) -> dict[str, str]:
    return {"path": path, "dataset": "nq"}


TAKING_PLACES: dict[str, Callable[[str], BaseModel]] = {
    "home": lambda place: RegenerateCorpus(home=place),
    "passages": lambda place: RegenerateCorpus(passages=(place,)),
    "squad": lambda place: RegenerateCorpus(squad=place),
    "file": lambda place: TrainQamat.model_validate({"file": _file(place)}),
    "evaluate.file": lambda place: Evaluate.model_validate({"checkpoint": "m", "file": _file(place)}),
    "out": lambda place: Reproduce(out=place),
    "start.source": lambda place: Reproduce.model_validate({"start": {"source": place}}),
    "start.tokenizer": lambda place: Reproduce.model_validate({"start": {"source": "org/t5", "tokenizer": place}}),
    "datasets": lambda place: Reproduce.model_validate(
        {"datasets": [{"dataset": "nq", "train": "nq-train", "dev": "nq-dev", "test": place}]}
    ),
    "learn": lambda place: HumanTrack.model_validate({"learn": [_file(place)], "ask": [_file("q.jsonl")]}),
    "ask": lambda place: HumanTrack.model_validate({"learn": [_file("q.jsonl")], "ask": [_file(place)]}),
    "pairs": lambda place: HumanTrack.model_validate(
        {"learn": [_file("q.jsonl")], "ask": [_file("q.jsonl")], "pairs": [place]}
    ),
    "paths": lambda place: ImportPairs(paths=(place,)),
    "edits": lambda place: EditMemory(memory="m", edits=place),
}


@pytest.mark.parametrize("field", TAKING_PLACES)
@pytest.mark.parametrize("place", PLACES)
def test_a_place_outside_of_the_roots_is_refused(
    field: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(ROOTS, str(tmp_path))
    monkeypatch.delenv("QAMAT_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    assert TAKING_PLACES[field]("below")
    with pytest.raises(ValidationError, match=r"lies under none of QAMAT_ROOTS|control characters"):
        TAKING_PLACES[field](place)


COMMANDS = (
    ("corpus", "regenerate", "--preset", "toy", "--name"),
    ("train", "inbatch", "--preset", "toy", "--memory"),
    ("artifacts", "show"),
    ("artifacts", "ls", "--name"),
    ("ask", "who?", "--memory"),
)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_the_command_line_refuses_it_too(
    payload: str, askable: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    from flows.cli import main  # noqa: PLC0415

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QAMAT_HOME", str(askable))
    for command in COMMANDS:
        monkeypatch.setattr("sys.argv", ["qamat", *command, payload])
        with pytest.raises(SystemExit) as ended:
            main.main()
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        assert ended.value.code in (1, 2), f"{command}: {told.out}"
        assert not told.out
    assert not list(tmp_path.iterdir()), "nothing was made beside the home"
