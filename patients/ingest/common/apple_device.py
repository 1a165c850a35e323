"""Which device a record of Apple Health is from, and under which harmless name."""

import re
from hashlib import sha256

from patients.domain.recording import DeviceKind

HARDWARE = re.compile(r"hardware:((Watch|iPhone|iPad|iPod)\d{1,2},\d{1,2})(?!\d)")
MODELS = {
    "Watch": ("Apple Watch", DeviceKind.WATCH),
    "iPhone": ("iPhone", DeviceKind.PHONE),
    "iPad": ("iPad", DeviceKind.PHONE),
    "iPod": ("iPod", DeviceKind.PHONE),
}
OTHER_APP = "other app"
# A record is by its app where one of these names it. Of other names nobody can tell whether they
# are an app's or, as that of a phone often is, a person's: these are not kept.
APPS = {
    name.casefold(): name
    for name in (
        *("AutoSleep", "Clock", "Connect", "Fitbit", "Garmin Connect", "Health", "Health Mate"),
        *("HeartWatch", "Mi Fitness", "Oura", "Pedometer", "Pedometer++", "Pillow", "Polar Flow"),
        *("RingConn", "Samsung Health", "Sleep Cycle", "Sleep++", "SleepWatch", "StepsApp"),
        *("Strava", "Ultrahuman", "WHOOP", "Withings", "Zepp", "Zepp Life"),
    )
}


def device_of(source_name: str, device: str) -> tuple[str, DeviceKind]:
    """A name that tells the device apart in every export, and its kind.

    ``device`` is the record's text on it, of which only the hardware counts: the rest changes
    from export to export. ``source_name`` is often given by its owner and is never kept; four
    digits of its hash tell unknown sources apart.
    """
    name = " ".join(source_name.split())
    if app := APPS.get(name.casefold()):
        return app, DeviceKind.APP
    if found := HARDWARE.search(device):
        model, kind = MODELS[found[2]]
        return f"{model} ({found[1]})", kind
    for hint in MODELS:
        if f"model:{hint}" in device or hint in name:
            return MODELS[hint]
    digits = sha256(name.encode("utf-8", "replace")).hexdigest()[:4]
    return f"{OTHER_APP} {digits}", DeviceKind.APP
