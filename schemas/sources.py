"""Where the public data sets are given out: the files that `qamat data fetch` knows.

A size and a SHA-256 are pinned only where somebody published them; ``pinned_from`` names who did. What has none is
measured when it is first fetched. Left out: MuSiQue, which is given out through a page of Google Drive alone.
"""

from types import MappingProxyType
from typing import Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from schemas.artifacts import Digest
from schemas.base import Frozen
from schemas.corpus import PairFormat

_Use = Literal["passages", "squad", "questions"]


class Source(Frozen):
    """One file of an official source."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    holds: str
    url: str = Field(pattern=r"^https?://[^/]+/")
    licence: str
    file: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """Its name where it is put, and under a mirror's address."""
    size: int | None = Field(default=None, ge=1)
    """In bytes."""
    sha256: Digest | None = None
    pinned_from: str = ""
    use: _Use | PairFormat | None = None
    """What reads it: as passages, annotations (SQuAD), questions, or the import of pairs in a format; None: nothing."""
    dataset: str = ""
    split: str = ""
    """Of questions: what they are said to be of."""

    @model_validator(mode="after")
    def _pins_have_an_origin(self) -> Self:
        pinned = self.size is not None and self.sha256 is not None
        if pinned != bool(self.pinned_from) or (self.sha256 is None) != (self.size is None):
            raise ValueError(f"{self.name}: size, sha256 and pinned_from go together")
        if (self.use == "questions") != bool(self.dataset and self.split):
            raise ValueError(f"{self.name}: questions have a dataset and a split, other files have none")
        return self


_HF: Final = "huggingface/datasets, dataset_infos.json"
_TFDS: Final = "tensorflow/datasets, url_checksums"
_BY_SA_3: Final = "CC BY-SA 3.0"
_BY_SA_4: Final = "CC BY-SA 4.0"
_UNSTATED: Final = "not stated by its publisher"
_FAIR: Final = "https://dl.fbaipublicfiles.com"
_NQ: Final = (
    "https://raw.githubusercontent.com/google-research-datasets/natural-questions"
    "/a7a113c9fdc2d9986d624bd43b8a18d6d5779eaa/nq_open"
)


def _source(name: str, holds: str, url: str, licence: str, **more: object) -> Source:
    fields = {"name": name, "holds": holds, "url": url, "licence": licence, "file": urlsplit(url).path.split("/")[-1]}
    return Source.model_validate(fields | more)


def _pinned(size: int, sha256: str, pinned_from: str = _HF) -> dict[str, object]:
    return {"size": size, "sha256": sha256, "pinned_from": pinned_from}


def _questions(dataset: str, split: str) -> dict[str, object]:
    return {"use": "questions", "dataset": dataset, "split": split}


def _dpr(dataset: str, split: str, file: str, licence: str) -> Source:
    holds = f"{dataset} {split} questions as DPR split them"
    url = f"{_FAIR}/dpr/data/retriever/{file}"
    return _source(f"dpr-{dataset}-{split}", holds, url, licence, **_questions(dataset, split))


def _paq_split(dataset: str, split: str, file: str, licence: str) -> Source:
    holds = f"{dataset} {split} questions as PAQ split them"
    url = f"{_FAIR}/paq/v1/annotated_datasets/{file}"
    return _source(f"{dataset}-open-{split}", holds, url, licence, **_questions(dataset, split))


_PASSAGES: Final = (
    _source(
        "psgs-w100",
        "21,015,324 passages of Wikipedia (December 2018), 100 words each",
        f"{_FAIR}/dpr/wikipedia_split/psgs_w100.tsv.gz",
        _BY_SA_3,
        use="passages",
        **_pinned(4_694_541_059, "c39b020c855a2b5c25ffef3abe4a3b6f9b829ad7dbc14ec3d163d34d7c53ea8d"),
    ),
    _source(
        "enwiki",
        "the newest dump of the English Wikipedia's articles",
        "https://dumps.wikimedia.org/enwiki/latest/enwiki-latest-pages-articles.xml.bz2",
        _BY_SA_4,
        use="passages",
    ),
)
_QUESTIONS: Final = (
    _source(
        "nq-open-train",
        "87,925 questions of NQ-open",
        f"{_NQ}/NQ-open.train.jsonl",
        _BY_SA_3,
        **_questions("nq", "train"),
        **_pinned(8_522_298, "0c93aaf13b12f855628489665e4ef85ffb8573ad444646f11f4fabdc57a0aabf", _TFDS),
    ),
    _source(
        "nq-open-dev",
        "3,610 questions of NQ-open: the test set of the open-domain papers",
        f"{_NQ}/NQ-open.dev.jsonl",
        _BY_SA_3,
        **_questions("nq", "dev"),
        **_pinned(391_316, "f15567f38099f3615f5b8a685c0aef449c11ad90d3da3735e8d1b98115b40616", _TFDS),
    ),
    _dpr("nq", "train", "nq-train.qa.csv", _BY_SA_3),
    _dpr("nq", "dev", "nq-dev.qa.csv", _BY_SA_3),
    _dpr("nq", "test", "nq-test.qa.csv", _BY_SA_3),
    _dpr("trivia", "train", "trivia-train.qa.csv.gz", _UNSTATED),
    _dpr("trivia", "dev", "trivia-dev.qa.csv.gz", _UNSTATED),
    _dpr("trivia", "test", "trivia-test.qa.csv.gz", _UNSTATED),
    _dpr("webq", "test", "webquestions-test.qa.csv", "CC BY 4.0"),
    _dpr("squad", "test", "squad1-test.qa.csv", _BY_SA_4),
    _paq_split("trivia", "train", "triviaqa.train-train.jsonl", _UNSTATED),
    _paq_split("trivia", "dev", "triviaqa.train-dev.jsonl", _UNSTATED),
    _paq_split("trivia", "test", "triviaqa.test.jsonl", _UNSTATED),
    _source(
        "dpr-curatedtrec-test",
        "curatedtrec test questions, whose answers are regular expressions",
        f"{_FAIR}/dpr/data/retriever/curatedtrec-test.qa.csv",
        _UNSTATED,
        **_questions("curatedtrec", "test"),
    ),
    _source(
        "triviaqa-unfiltered",
        "TriviaQA as its authors give it out, open-domain: unpack it and read unfiltered-web-dev.json",
        "http://nlp.cs.washington.edu/triviaqa/data/triviaqa-unfiltered.tar.gz",
        _UNSTATED,
        **_pinned(632_549_060, "7f0c94207fd0a1eb7bba3d52cdfe0735c98de850b9e5aa4e75f2776ef9a531d0", _TFDS),
    ),
    _source(
        "webquestions-train",
        "3,778 questions of WebQuestions",
        "https://worksheets.codalab.org/rest/bundles/0x4a763f8cde224c2da592b75f29e2f5c2/contents/blob/",
        "CC BY 4.0",
        file="webquestions-train.json",
        **_questions("webq", "train"),
        **_pinned(825_320, "fb1797e4554a1b1be642388367de1379f8c0d5afc609ac171492c67f7b70cb1e"),
    ),
    _source(
        "webquestions-test",
        "2,032 questions of WebQuestions",
        "https://worksheets.codalab.org/rest/bundles/0xe7bac352fce7448c9ef238fb0a297ec2/contents/blob/",
        "CC BY 4.0",
        file="webquestions-test.json",
        **_questions("webq", "test"),
        **_pinned(447_645, "e3d4550e90660aaabe18458ba34b59f2624857273f375af7353273ce8b84ce6e"),
    ),
)
_SQUAD: Final = tuple(
    _source(
        f"squad-{version}-{split}",
        f"{count} questions with the spans that answer them{', some without' if version == '2.0' else ''}",
        f"https://rajpurkar.github.io/SQuAD-explorer/dataset/{split}-v{version}.json",
        _BY_SA_4,
        use="squad",
        **_pinned(size, sha256, origin),
    )
    for version, split, count, size, sha256, origin in (
        (
            "1.1",
            "train",
            "87,599",
            30_288_272,
            "3527663986b8295af4f7fcdff1ba1ff3f72d07d61a20f487cb238a6ef92fd955",
            _TFDS,
        ),
        ("1.1", "dev", "10,570", 4_854_279, "95aa6a52d5d6a735563366753ca50492a658031da74f301ac5238b03966972c9", _TFDS),
        (
            "2.0",
            "train",
            "130,319",
            42_123_633,
            "68dcfbb971bd3e96d5b46c7177b16c1a4e7d4bdef19fb204502738552dede002",
            _HF,
        ),
        ("2.0", "dev", "11,873", 4_370_528, "80a5225e94905956a6446d296ca1093975c4d3b3260f1d6c8f68bc2ab77182d8", _HF),
    )
)
_HOTPOTQA: Final = tuple(
    _source(
        f"hotpotqa-{part}",
        f"the ten paragraphs that stand with each of {count} two-hop questions",
        f"http://curtis.ml.cmu.edu/datasets/hotpot/{file}",
        _BY_SA_4,
        use="passages",
        **_pinned(size, sha256),
    )
    for part, file, count, size, sha256 in (
        (
            "train",
            "hotpot_train_v1.1.json",
            "90,447",
            566_426_227,
            "26650cf50234ef5fb2e664ed70bbecdfd87815e6bffc257e068efea5cf7cd316",
        ),
        (
            "dev-distractor",
            "hotpot_dev_distractor_v1.json",
            "7,405",
            46_320_117,
            "4e9ecb5c8d3b719f624d66b60f8d56bf227f03914f5f0753d6fa1b359d7104ea",
        ),
        (
            "dev-fullwiki",
            "hotpot_dev_fullwiki_v1.json",
            "7,405",
            47_454_698,
            "2f1f3e594a3066a3084cc57950ca2713c24712adaad03af6ccce18d1846d5618",
        ),
    )
)
_PAIRS: Final = (
    _source(
        "paq",
        "64.9 million generated pairs",
        f"{_FAIR}/paq/v1/PAQ.tar.gz",
        _BY_SA_3,
        use="paq",
        **_pinned(
            1_447_064_073,
            "177eefb2ddf8ab46a8d2248c058d5be52a4f2ce7614e55c1696f69fd0fe051c3",
            "Dylancouzon/asymmetric-dual-encoders, m10src/paq.py, measured in September 2026",
        ),
    ),
    _source(
        "paq-metadata",
        "PAQ with the passages and spans that the pairs are made of (16 GB unpacked)",
        f"{_FAIR}/paq/v1/PAQ.metadata.jsonl.gz",
        _BY_SA_3,
        use="paq",
    ),
    _source(
        "paq-unfiltered",
        "all that PAQ's generator wrote, with its filter's verdicts (95 GB unpacked)",
        f"{_FAIR}/paq/v1/PAQ.unfiltered_metadata.jsonl.gz",
        _BY_SA_3,
        use="paq",
    ),
    _source(
        "opentriviaqa",
        "about 50,000 multiple-choice questions",
        "https://github.com/uberspot/OpenTriviaQA/archive/refs/heads/master.zip",
        _BY_SA_4,
        file="OpenTriviaQA-master.zip",
        use="opentriviaqa",
    ),
)

SOURCES: Final = MappingProxyType(
    {source.name: source for source in (*_PASSAGES, *_QUESTIONS, *_SQUAD, *_HOTPOTQA, *_PAIRS)}
)
"""Name -> source, in the order in which they are listed."""
