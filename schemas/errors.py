"""The error tree.

Everything that a user can mend is a ``QamatError``: one clear line that names the file, the record and the
remedy. The command line prints it without a traceback and exits 1; anything else is a defect of ours.

    QamatError
    ├── ConfigError          a configuration, preset or parameter is wrong
    ├── InputError           a file or a question given by the user cannot be used
    │   └── RejectLimitError more records of a source were rejected than the set share
    ├── ArtifactError        the artifact store
    │   ├── MissingArtifactError   no such kind, name, version or key
    │   ├── CorruptArtifactError   a digest, checksum or count disagrees
    │   ├── IncompatibleArtifactError  made by another encoder, tokenizer or schema version
    │   └── StorageFullError       no space is left where artifacts are written
    ├── DownloadError        a public file could not be fetched, or is not what was expected
    ├── RunnerError          what runs the Beam jobs gave up
    ├── AccountingError      read != kept + rejected: a job would lose records
    ├── GenerationError      a generator fails for all that it is given
    ├── TrainingError        NaN, divergence, no examples
    └── PromotionError       a candidate did not pass the gate, or the tag was moved by another meanwhile
"""


class QamatError(Exception):
    """Base of all errors that a user can mend; the message is one line."""


class ConfigError(QamatError):
    """A configuration, preset or parameter is wrong."""


class InputError(QamatError):
    """A file, record or question given by the user cannot be used."""


class RejectLimitError(InputError):
    """More records of a source were rejected than the set share."""


class ArtifactError(QamatError):
    """The artifact store refuses."""


class MissingArtifactError(ArtifactError):
    """No artifact of that kind, name, version or key is registered."""


class CorruptArtifactError(ArtifactError):
    """A digest, page checksum or row count disagrees with the registry."""


class IncompatibleArtifactError(ArtifactError):
    """Two artifacts were made by different encoders, tokenizers or schema versions."""


class StorageFullError(ArtifactError):
    """No space is left where artifacts are written."""


class DownloadError(QamatError):
    """A public file could not be fetched, or is not what was expected."""


class RunnerError(QamatError):
    """What runs the Beam jobs gave up: workers were lost, a cluster does not answer."""


class AccountingError(QamatError):
    """Read records are not kept plus rejected records: committing would lose some."""


class GenerationError(QamatError):
    """A generator fails for all records that it is given."""


class TrainingError(QamatError):
    """Training cannot go on: NaN, divergence, or no examples."""


class PromotionError(QamatError):
    """A candidate did not pass the gate, or another moved the tag meanwhile."""
