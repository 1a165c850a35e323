"""Milliseconds of one night in the package `circadian`, on the light in a .npy file (minutes)."""

import sys
import time

import numpy as np
from circadian.models import Forger99

lux = np.load(sys.argv[1])
hours = np.arange(len(lux)) / 60
model = Forger99()
state = np.array([-0.0843259, -1.09607546, 0.45584306])
found = []
for _ in range(20):
    began = time.perf_counter()
    model(hours, state, lux)
    model.dlmos()
    found.append(time.perf_counter() - began)
print(min(found) * 1000)
