"""The one exception for input that cannot be used."""


class InputError(ValueError):
    """Input refused. The message is one sentence: what was wrong, where, and what to do.

    It is shown to people as it stands, so it names files, lines and fields but never a
    patient's name, a token or a stack trace.
    """
