"""Plain words for channels, formats and the reasons why samples were left out."""

CHANNELS = {
    "activity": "Activity",
    "steps": "Steps",
    "light": "Light",
    "sleep": "Sleep",
    "heart_rate": "Heart rate",
    "resting_heart_rate": "Resting heart rate",
    "hrv_sdnn": "Heart-rate variability (SDNN)",
    "hrv_rmssd": "Heart-rate variability (RMSSD)",
    "hrv_lf_hf": "Heart-rate variability (LF/HF)",
    "respiratory_rate": "Breathing rate",
    "spo2": "Oxygen saturation",
    "wrist_temperature": "Wrist temperature",
}
# What comes after the channel in a reason; the longer ones first, because some end alike.
REASONS = {
    "minute_out_of_range": "more in a minute than is possible",
    "out_of_range": "outside the possible range",
    "duplicate": "told twice",
    "bad_duration": "of impossible length",
    "over_24_h": "longer than 24 h",
    "impossible_minutes": "with more minutes than it is long, or fewer than none",
    "unknown_value": "of an unknown kind",
    "malformed": "not readable",
    "total": "a total without times",
    "no_reading": "without a reading",
    "low_confidence": "the sensor was unsure",
    "unit": "in an unknown unit",
    "without_segments": "without its parts",
    "off_wrist": "off the wrist",
    "not_whole": "of a file whose values are no whole numbers",
    "imputed": "made up by the exporter",
    "in_the_future": "dated in the future",
}
ALONE = {
    "off_wrist": "device off the wrist",
    "missing_data": "marked as missing by the device",
    "date_out_of_range": "record with an impossible date",
    "malformed_record": "record not readable",
    "unreadable_record": "record not readable",
    "table_of_totals": "table of totals or scores only",
}
NAMES = {"actlumus": "ActLumus", "actigraph": "ActiGraph", "ukbiobank": "UK Biobank"}
ABBREVIATIONS = {"awd", "csv", "agd", "gt3x", "json", "api", "mesa", "e4"}


def channel_words(channel: str, family: str = "") -> str:
    """The channel, of activity with its unit family.

    >>> channel_words("activity", "actiwatch_counts")
    'Activity (actiwatch counts)'
    """
    words = CHANNELS.get(channel, channel.replace("_", " ").capitalize())
    return f"{words} ({family.replace('_', ' ')})" if family else words


def format_words(source: str) -> str:
    """The name of a format, or of several with commas.

    >>> format_words("actlumus, apple_health, actiwatch_csv")
    'ActLumus, Apple Health, Actiwatch CSV'
    """
    words = source.replace("_", " ").split(" ")
    return " ".join(map(_as_written, words))


def _as_written(word: str) -> str:
    name = word.rstrip(",")
    usual = name.upper() if name in ABBREVIATIONS else name[:1].upper() + name[1:]
    return NAMES.get(name, usual) + word[len(name) :]


def reason_words(reason: str) -> str:
    """Why a sample was left out.

    >>> reason_words("heart_rate_out_of_range")
    'heart rate outside the possible range'
    >>> reason_words("steps_lost_at_sea")
    'steps lost at sea'
    """
    if reason in ALONE:
        return ALONE[reason]
    for suffix, words in REASONS.items():
        channel = reason.removesuffix(f"_{suffix}")
        if channel != reason:
            return f"{_inside(channel)} {words}"
    return reason.replace("_", " ")


def out_of_range_words(count: int) -> str:
    """How many samples of a channel were left out on a day; empty for none.

    >>> out_of_range_words(1428)
    '1,428 out of range'
    """
    return f"{count:,} out of range" if count else ""


def _inside(channel: str) -> str:
    """The channel within a sentence."""
    words = channel_words(channel)
    return words[:1].lower() + words[1:]
