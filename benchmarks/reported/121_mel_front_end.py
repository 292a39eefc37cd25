import mlx.core as mx
import numpy as np


class LogMel:
    def __init__(self, n_fft=400, hop=160, n_mels=80):
        self.n_fft = n_fft
        self.hop = hop
        self.window = mx.hann_window(n_fft)
        self.filters = mx.random.uniform(0.0, 0.1, (n_fft // 2 + 1, n_mels))

    def frames(self, audio):
        audio = mx.pad(audio, self.n_fft // 2)
        count = 1 + (audio.size - self.n_fft) // self.hop
        strides = (self.hop * audio.itemsize, audio.itemsize)
        return mx.as_strided(audio, (count, self.n_fft), strides)

    def __call__(self, audio):
        spectrum = mx.fft.rfft(self.frames(audio) * self.window, axis=-1)
        power = mx.abs(spectrum) ** 2
        mel = power @ self.filters
        log = mx.log10(mx.clip(mel, a_min=1e-10))
        log = mx.maximum(log, log.max() - 8.0)
        return (log + 4.0) / 4.0


if __name__ == "__main__":
    rate = 16000
    seconds = np.arange(rate, dtype=np.float32) / rate
    tone = mx.array(np.sin(2 * np.pi * 440 * seconds))
    features = LogMel()(tone)
    mx.eval(features)
    print(features.shape, features.dtype)
