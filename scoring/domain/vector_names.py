"""The names of the mania model's 36 inputs, in the order of the published boosters."""

INDEX_NAMES: tuple[str, ...] = (
    "ST_long",
    "ST_short",
    "WT_long",
    "WT_short",
    "LongSleepWindow_length",
    "LongSleepWindow_number",
    "ShortSleepWindow_length",
    "ShortSleepWindow_number",
    "Sleep_percentage",
    "Sleep_amplitude",
    "Circadian_phase",
    "Circadian_amplitude",
)
"""The 12 daily indexes: 10 of sleep, 2 of the circadian model."""

SUFFIXES: tuple[str, ...] = ("_MN", "_SD", "_Zscore")
"""The person's mean of an index, its standard deviation, and the day's z-score."""

VECTOR_NAMES: tuple[str, ...] = tuple(
    index + suffix for index in INDEX_NAMES for suffix in SUFFIXES
)
"""The 36 columns. The boosters check names and order, so neither may change."""

BODY_NAMES: dict[str, tuple[str, str]] = {
    "Steps": ("activity", "steps"),
    "Sedentary_hours": ("activity", "sedentary_hours"),
    "Resting_heart_rate": ("heart", "resting_bpm"),
    "SDNN": ("heart", "sdnn_ms"),
    "RMSSD": ("heart", "rmssd_ms"),
}
"""What Clarity's own booster sees besides, and where in a day's features it stands."""

BODY_VECTOR_NAMES: tuple[str, ...] = tuple(
    name + suffix for name in BODY_NAMES for suffix in SUFFIXES
)
"""The 15 further columns, after the 36."""

OWN_VECTOR_NAMES: tuple[str, ...] = VECTOR_NAMES + BODY_VECTOR_NAMES
"""All 51 columns of a booster of Clarity's own."""

PARTS: tuple[str, ...] = ("part_night", "part_morning", "part_afternoon", "part_evening")
"""The quarters of the day, from midnight on, into which PAT's week is cut to explain it."""
