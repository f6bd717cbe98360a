"""Errors that are meant for a person: each names the thing, the place and the remedy in one sentence."""


class WarehouseError(Exception):
    """Something a person can act on; shown as one line, without a traceback."""

    exit_code = 1


class InputError(WarehouseError):
    """A file, a name or an option is wrong; nothing was changed."""

    exit_code = 2


class SkippedError(WarehouseError):
    """A file brings what is in force already."""


class HeldError(WarehouseError):
    """A file waits for approval because it would withdraw too many rows."""


class UnfinishedError(WarehouseError):
    """A file could not be loaded to its end now; it is neither accepted nor refused, and is tried again."""


class GateRefused(WarehouseError):  # noqa: N818 - a verdict, not a fault
    """A blocking check failed; readers stay on the last good publication."""


class NotPublishableError(WarehouseError):
    """A run cannot be published as it is built, however often that is tried."""


class VerificationError(WarehouseError):
    """What is stored is not what was accepted; a person has to find out why."""
