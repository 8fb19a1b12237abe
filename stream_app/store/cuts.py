"""What `below the cut` means in SQL: one predicate, used wherever versions are read as of a cut."""

from schemas import TopicCut


def below(epoch: str, offsets: str) -> str:
    """The predicate, with the placeholders of the cut's epoch and offsets.

    A row of a lower epoch is below; of the same epoch, one whose offset is under its partition's. A partition that the
    cut does not know gives NULL, so its rows are above.
    """
    same_epoch = f"log_epoch = {epoch}::int AND log_offset < ({offsets}::bigint[])[log_partition + 1]"
    return f"(log_epoch < {epoch}::int OR ({same_epoch}))"


def parameters(cut: TopicCut) -> tuple[int, list[int]]:
    """The values for `below`'s placeholders."""
    return cut.epoch, list(cut.offsets)
