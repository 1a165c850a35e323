"""Milliseconds of IS, IV, RA, L5 and M10 in pyActigraphy, on the counts in a .npy file (minutes).

Its dependency `accelerometer` is for academic use only and does not install here; what
pyActigraphy imports of it reads another format and is stood in for by nothing.
"""

import sys
import time
from types import ModuleType

for name, things in (
    ("accelerometer", ()),
    ("accelerometer.utils", ("date_parser",)),
    ("accelerometer.summarisation", ("imputeMissing",)),
):
    sys.modules[name] = module = ModuleType(name)
    module.__path__ = []
    for thing in things:
        setattr(module, thing, None)

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from pyActigraphy.io import BaseRaw  # noqa: E402

counts = np.load(sys.argv[1])
index = pd.date_range("2024-01-01", periods=len(counts), freq="1min")
raw = BaseRaw(
    name="x", uuid="x", format="x", axial_mode=None, start_time=index[0],
    period=index[-1] - index[0], frequency=pd.Timedelta(minutes=1),
    data=pd.Series(counts, index=index), light=None,
)  # fmt: skip
measures = (raw.IS, raw.IV, raw.RA, raw.L5, raw.M10)
found = []
for _ in range(30):
    began = time.perf_counter()
    for measure in measures:
        measure(binarize=False)
    found.append(time.perf_counter() - began)
print(min(found) * 1000)
