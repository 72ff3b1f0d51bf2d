"""What makes inference fast, and how much of it a device has earned by measurement.

process.py      the allocator and the matrix products of this process
prepare.py      a loaded model: memory order, folded normalisation
precision.py    half precision, where it was measured to be good enough
compile.py      torch.compile, whose result is kept
settings.py     what `auralflow bench` recommends for a device and a model
"""
