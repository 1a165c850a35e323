"""PAT in onnxruntime, in turns (turns.py): MODEL.onnx WEEKS.npy THREADS WEEKS_AT_ONCE."""

import sys

import numpy as np
import onnxruntime
from turns import take_turns

options = onnxruntime.SessionOptions()
options.intra_op_num_threads, options.inter_op_num_threads = int(sys.argv[3]), 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
weeks, chunk = np.load(sys.argv[2]), int(sys.argv[4])


def run():
    parts = (weeks[start : start + chunk] for start in range(0, len(weeks), chunk))
    return [p for part in parts for p in session.run(None, {"weeks": part})[0].ravel().tolist()]


take_turns(run)
