"""Writes what SciPy makes of short recordings, for the codec of audio to agree with.

Needs SciPy and numpy. Each function follows the one of librosa that it names; librosa calls SciPy the same way.
"""

import base64
import json
from math import gcd
from pathlib import Path

import numpy as np
import scipy
from scipy.signal import resample_poly

HERE = Path(__file__).resolve().parent


def recording(rate, seconds, channels, seed):
    """A rising tone, a click and noise, in single precision as recordings are."""
    t = np.arange(round(rate * seconds)) / rate
    noise = np.random.RandomState(seed).standard_normal((channels, t.size)) * 0.05
    tone = 0.4 * np.sin(2 * np.pi * (200 + rate * 0.9 * t) * t)
    samples = tone + noise
    samples[:, t.size // 3] = 0.9
    return samples.astype(np.float32)


def to_mono(samples):
    """librosa.to_mono"""
    return np.mean(samples, axis=0)


def resample(samples, orig_sr, target_sr):
    """librosa.resample(res_type="polyphase")"""
    divisor = gcd(orig_sr, target_sr)
    return resample_poly(samples, target_sr // divisor, orig_sr // divisor)


def fix_length(samples, size):
    """librosa.util.fix_length"""
    return np.pad(samples[:size], (0, max(0, size - samples.size)))


def normalize(samples):
    """librosa.util.normalize(norm=np.inf)"""
    peak = np.abs(samples).astype(float).max()
    return (samples / (peak if peak >= np.finfo(samples.dtype).tiny else 1)).astype(samples.dtype)


def expected(samples, rate, contract):
    samples = to_mono(samples)
    if rate != contract["sampleRate"]:
        samples = resample(samples, rate, contract["sampleRate"])
    if "samples" in contract:
        samples = fix_length(samples, contract["samples"])
    if contract.get("normalize") == "peak":
        samples = normalize(samples)
    assert samples.dtype == np.float32
    return samples


def cases():
    """Name, rate and samples of a recording, and the contract."""
    poly = {"resample": "polyphase"}
    for orig, target, seconds in [
        (44100, 16000, 0.02),
        (48000, 16000, 0.02),
        (8000, 16000, 0.03),
        (22050, 16000, 0.02),
        (16000, 44100, 0.02),
        (48000, 44100, 0.01),
        (11025, 48000, 0.01),
        (96000, 1000, 0.02),
    ]:
        yield f"{orig} Hz to {target} Hz", orig, recording(orig, seconds, 1, orig), {"sampleRate": target, **poly}
    yield "one sample", 44100, recording(44100, 1 / 44100, 1, 1), {"sampleRate": 16000, **poly}
    yield "stereo", 16000, recording(16000, 0.01, 2, 2), {"sampleRate": 16000}
    yield "six channels at another rate", 48000, recording(48000, 0.005, 6, 3), {"sampleRate": 16000, **poly}
    yield "cut", 16000, recording(16000, 0.01, 1, 4), {"sampleRate": 16000, "samples": 99, "fit": "pad-trim"}
    yield "padded", 16000, recording(16000, 0.01, 1, 5), {"sampleRate": 16000, "samples": 200, "fit": "pad-trim"}
    yield "by its peak", 16000, recording(16000, 0.01, 1, 6), {"sampleRate": 16000, "normalize": "peak"}
    yield "silence by its peak", 16000, np.zeros((1, 20), np.float32), {"sampleRate": 16000, "normalize": "peak"}
    yield "all of it", 44100, recording(44100, 0.01, 2, 7), {
        "sampleRate": 16000, **poly, "samples": 150, "fit": "pad-trim", "normalize": "peak"
    }


def encoded(array):
    return base64.b64encode(array.astype("<f4").tobytes()).decode()


def main():
    vectors = {"scipy": scipy.__version__, "cases": []}
    for name, rate, samples, contract in cases():
        vectors["cases"].append(
            {
                "name": name,
                "sampleRate": rate,
                "channels": len(samples),
                "samples": encoded(samples),
                "input": {"kind": "audio", "tensor": "x", **contract},
                "data": encoded(expected(samples, rate, contract)),
            }
        )
    text = json.dumps(vectors, indent=2)
    (HERE / "audio.json").write_text(text + "\n")
    print(f"audio.json  {len(text)} bytes, {len(vectors['cases'])} cases")


if __name__ == "__main__":
    main()
