import pytest

from patients.domain.recording import DeviceKind
from patients.ingest.common.apple_device import device_of

TEXT = "<<HKDevice: 0x{}>, name:{}, manufacturer:Apple Inc., model:{}, hardware:{}, software:16.1>"


@pytest.mark.parametrize(
    ("source_name", "device", "name", "kind"),
    [
        ("Sam’s Apple\xa0Watch", TEXT.format("28", "Apple Watch", "Watch", "Watch6,7"),
         "Apple Watch (Watch6,7)", DeviceKind.WATCH),
        ("Zeus", TEXT.format("f9", "iPhone", "iPhone", "iPhone12,8"),
         "iPhone (iPhone12,8)", DeviceKind.PHONE),
        ("Sam’s Apple\xa0Watch", "", "Apple Watch", DeviceKind.WATCH),
        ("Sam’s iPhone", "", "iPhone", DeviceKind.PHONE),
        ("Sam", "<<HKDevice: 0x1>, name:x, model:Watch>", "Apple Watch", DeviceKind.WATCH),
        ("AutoSleep", TEXT.format("28", "Apple Watch", "Watch", "Watch6,7"),
         "AutoSleep", DeviceKind.APP),
        ("sleep\xa0CYCLE", "", "Sleep Cycle", DeviceKind.APP),
        ("Sam Example", "", "other app 86f3", DeviceKind.APP),  # printf "Sam Example" | sha256sum
        ("Sam\xa0 Example ", "", "other app 86f3", DeviceKind.APP),
        ("Sam", "", "other app 4ecd", DeviceKind.APP),
        ("Connect", "<<HKDevice: 0x2>, name:Sam’s Forerunner, manufacturer:Garmin>",
         "Connect", DeviceKind.APP),
        ("Sam Example", "hardware:Watch123456789,1", "other app 86f3", DeviceKind.APP),
    ],
)  # fmt: skip
def test_a_device_is_named_by_its_model_or_a_known_app(
    source_name: str, device: str, name: str, kind: DeviceKind
) -> None:
    assert device_of(source_name, device) == (name, kind)
    assert "Sam" not in name
