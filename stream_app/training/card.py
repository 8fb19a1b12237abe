"""What is told of a trained joint space: its model card, and the table for the models file."""

from pathlib import Path

from stream_app.encoding.opening import BareModel
from stream_app.encoding.projection import Projection
from stream_app.encoding.spec import Pooling, Precision
from stream_app.training import written
from stream_app.training.joint_space import Side, Trained
from stream_app.training.text_projection import Kept


def card(model_id: str, trained: Trained) -> str:
    """The model card, Markdown, with the actual figures."""
    recipe = trained.recipe
    return f"""# {model_id}

A trained joint space of [{trained.numeric_model_id}] and [{trained.text_model_id}]: both halves of a region's day are
led into one space of {recipe.dim} numbers, where those of the same day lie near each other. The formula is in
`stream_app/regime/projected.py`, the training in `stream_app/training/contrastive.py`.

## What it was trained on

Regions: {", ".join(trained.regions)}.

| | days | pairs | first | last |
| --- | --- | --- | --- | --- |
| fitted on | {_side(trained.train)} |
| measured on | {_side(trained.validation)} |

Between both lie at least {trained.embargo_days} days of embargo. Means and scales are of the days fitted on alone.

## How

InfoNCE, symmetrical, temperature {recipe.temperature:g}, batches of at most {recipe.batch_pairs} pairs; AdamW with
learning rate {recipe.learning_rate:g} and weight decay {recipe.weight_decay:g}, dropout {recipe.dropout:g} of the
inputs, seed {recipe.seed}. It ended after {trained.epochs} epochs; kept is epoch {trained.epoch}, with the smallest
loss on the days measured on. So those days have chosen the epoch, and days to come will do a little worse than the
figures below.

## What it is worth

Loss: {trained.train_loss:.3f} on the days fitted on, {trained.validation_loss:.3f} on those measured on.

A day's text looks for its own numeric half among those of all days measured on of its region:

| k | among the k most alike | by chance | p |
| --- | --- | --- | --- |
{_recalls(trained)}

p is with what share of all shifts of the texts against the days, their own place among these, as many find the day that
they are shifted to. So it allows for days in a row being alike.

{trained.verdict}

Of how far the joint vector moves, squared, when a day gets another day's text or another day's numbers, the text has a
share of {trained.swap_share:.3f}; in the plain average of the same halves it has {trained.swap_share_of_average:.3g}.

[{trained.numeric_model_id}]: {trained.numeric_model_id}.md
[{trained.text_model_id}]: {trained.text_model_id}.md
"""


def table(model_id: str, trained: Trained, weights: Path) -> str:
    """The TOML table for the models file; `weights` as it stands there."""
    inputs = (trained.numeric_model_id, trained.text_model_id)
    return written.table(model_id, kind="joint", algorithm="projected", inputs=inputs, weights=weights.as_posix())


def projection_card(name: str, bare: BareModel, fitted: Projection, kept: Kept) -> str:
    """The card of a text model's projection, Markdown, with the actual figures."""
    told = fitted.fitted_on
    return f"""# {name}

The way from the {bare.dim:,} numbers of a text model to 384; the formula is in `stream_app/encoding/projection.py`.

It was fitted on {told.texts:,} texts, whose vectors keep {told.kept:.2%} of their squared length. Of {kept.texts:,}
texts that were held back, the cosine between two changes by {kept.mean_difference:.2g} in the mean and by
{kept.largest_difference:.2g} at most.

The model, by its fingerprint without the projection: `{told.model}`, computing in {bare.precision}.
"""


def projection_table(source: str, pooling: Pooling, precision: Precision, projection: Path) -> str:
    """A TOML table of the text model for the models file, under an id that is still to be chosen."""
    return written.table(
        "MY-TEXT-MODEL",
        kind="text",
        algorithm=f"{pooling}-pooling",
        source=source,
        precision=precision,
        projection=projection.as_posix(),
    )


def _side(side: Side) -> str:
    return f"{side.days:,} | {side.pairs:,} | {side.first} | {side.last}"


def _recalls(trained: Trained) -> str:
    rows = (f"| {each.k} | {each.share:.3f} | {each.chance:.3f} | {each.p_value:.2g} |" for each in trained.recalls)
    return "\n".join(rows)
