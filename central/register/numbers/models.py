"""What blocks of numbers are called."""


def block_id(space: str, start: int) -> str:
    """A block is called after its space and its first number."""
    return f"{space}.{start}"
