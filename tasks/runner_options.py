"""The options of a runner: what Beam would ignore, or refuse when hours of work are done, is refused at once."""

from collections.abc import Sequence
from contextlib import redirect_stderr
from difflib import get_close_matches
from importlib import import_module
from io import StringIO

from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions
from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
from apache_beam.runners.runner import PipelineRunner, create_runner

from schemas.errors import ConfigError
from schemas.resources import Resources

_NOT_HERE = {
    "runner": "name the runner apart from its options",
    "streaming": "the jobs end, so they run as batches",
    "no_wait_until_finish": "a job is waited for: its tables are committed when it has ended",
    "output_executable_path": "a job is run, not written to a file",
    "template_location": "a job is run, not made a template",
}

_ENVIRONMENTS = ("DOCKER", "PROCESS", "EXTERNAL", "LOOPBACK")


def check_runner(resources: Resources) -> Resources:
    """Return the resources, if their runner is installed and its options are known, right and complete.

    Raises:
        ConfigError: names the option and what to write in its place.
    """
    if resources.runner != "FnApiRunner":
        options_of(resources)
    return resources


def options_of(resources: Resources) -> PipelineOptions:
    """Return the options of the runner, checked.

    Raises:
        ConfigError: as ``check_runner`` says.
    """
    if resources.runner == "FnApiRunner":
        return PipelineOptions(
            ["--pickle_library=cloudpickle", "--direct_running_mode=multi_threading"],
            direct_num_workers=resources.workers,
        )
    options = _parse(resources.runner, resources.runner_options)
    if faults := _faults(resources.runner, options):
        raise ConfigError(f"{resources.runner}: {' '.join(faults[0].split())}")
    return options


def make_runner(name: str) -> PipelineRunner:
    """Return Beam's runner of that name.

    Raises:
        ConfigError: Beam was installed without it.
    """
    try:
        if name == "DataflowRunner":
            import_module("apache_beam.runners.dataflow.internal.apiclient")
        return create_runner(name)
    except ImportError as error:
        raise ConfigError(f"{name}: {error}; install apache-beam[gcp]") from error


def _faults(runner: str, options: PipelineOptions) -> list[str]:
    portable = options.view_as(PortableOptions)
    faults = list(PipelineOptionsValidator(options, make_runner(runner)).validate())
    if runner == "PortableRunner" and not portable.job_endpoint:
        faults.append("give --job_endpoint=HOST:PORT of the job service, or --job_endpoint=embed for one in here")
    if portable.environment_type not in (None, *_ENVIRONMENTS):
        faults.append(f"--environment_type={portable.environment_type}: give one of {', '.join(_ENVIRONMENTS)}")
    return faults


def _parse(runner: str, flags: Sequence[str]) -> PipelineOptions:
    known = PipelineOptions([]).get_all_options()
    for flag in flags:
        name = flag.partition("=")[0].removeprefix("--")
        if not flag.startswith("--") or not name:
            raise ConfigError(f"{runner}: {flag!r} is no option; write --NAME=VALUE")
        if name in _NOT_HERE:
            raise ConfigError(f"{runner}: --{name} cannot be given: {_NOT_HERE[name]}")
    refusal = StringIO()
    try:
        with redirect_stderr(refusal):
            options = PipelineOptions(["--pickle_library=cloudpickle", *flags])
            given = options.get_all_options(retain_unknown_options=True)
    except SystemExit as stopped:
        line = refusal.getvalue().strip().splitlines()[-1].partition("error: ")[2]
        raise ConfigError(f"{runner}: {line}") from stopped
    for name in given.keys() - known.keys():
        close = get_close_matches(name, known, n=1)
        hint = f"did you mean --{close[0]}?" if close else "see docs/scale-out.md for those of each runner"
        raise ConfigError(f"{runner}: Beam knows no option --{name}; {hint}")
    return options
