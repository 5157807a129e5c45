"""A mesh is refused by the numbers of every stage that is to be trained, before any of them is."""

import pytest
from jax.sharding import AbstractMesh

from qamat_core.training.partitioning import AXES
from schemas.errors import ConfigError
from schemas.presets import preset
from schemas.qamat import StageConfig
from schemas.resources import Resources
from schemas.training import MeshShape
from tasks import check_stage

TRAINING = preset("toy").training
ROWS = "the mesh's data axis of 3 does not divide the batch's 8 rows: change batch_size or the mesh"


@pytest.mark.parametrize(
    ("data", "model", "words"),
    [(4, 3, None), (3, 1, ROWS), (4, 2, "the mesh's model axis of 2 does not divide the 3 attention heads")],
)
def test_heads_and_rows_of_every_stage_are_divided(
    data: int, model: int, words: str | None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(check_stage, "make_mesh", lambda shape: AbstractMesh((shape.data, shape.model), AXES))
    fitting = TRAINING.inbatch.model_copy(
        update={"training": TRAINING.inbatch.training.model_copy(update={"batch_size": 12})}
    )
    stages: list[StageConfig] = [fitting, TRAINING.finetune]
    resources = Resources(home="nowhere", mesh=MeshShape(data=data, model=model))
    if words is None:
        check_stage.check_mesh(stages, resources)
        return
    with pytest.raises(ConfigError, match=words):
        check_stage.check_mesh(stages, resources)
